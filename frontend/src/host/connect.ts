/** Jira as the host of this page under Connect: the part of its `AP` script that we use, as promises. */
import { within } from './patience';

/** The theme as Jira's Connect script broadcasts it: a colour mode and the names of token themes. */
export type HostTheme = Readonly<Record<string, unknown>>;

export interface ConnectScript {
  context: { getToken(callback: (token: string) => void): void };
  env?: { getLocation?(callback: (location: string) => void): void };
  resize?(width: string, height: string): void;
  register?(handlers: Record<string, (data: unknown) => void>): void;
  theming?: { initializeTheming?(): void };
}

declare global {
  interface Window {
    AP?: ConnectScript;
  }
}

/** Loads the host's script and returns its `AP`. */
export function loadConnectScript(address: string, patience: number): Promise<ConnectScript> {
  return within(patience, 'Jira’s Connect script did not load', (found, failed) => {
    const script = document.createElement('script');
    script.src = address;
    script.onload = () => {
      if (window.AP) found(window.AP);
      else failed(new Error('The Connect script did not start: this page has no Jira around it.'));
    };
    script.onerror = () => failed(new Error(`The Connect script could not be loaded from ${address}.`));
    document.head.append(script);
  });
}

/** A fresh context token of the person who looks at the page. */
export function contextToken(host: ConnectScript, patience: number): Promise<string> {
  return within(patience, 'Jira did not say who you are', (found) => host.context.getToken(found));
}

/** Jira's own address (`https://site.atlassian.net`), for links to issues. */
export function siteAddress(host: ConnectScript, patience: number): Promise<string> {
  return within(patience, 'Jira did not tell its address', (found, failed) => {
    if (!host.env?.getLocation) return failed(new Error('This Jira does not tell its address.'));
    host.env.getLocation((location) => found(new URL(location).origin));
  });
}

/**
 * Tells `changed` the host's theme now and whenever it changes.
 *
 * Handlers of our own take the place of the script's, which would fetch style sheets from a CDN: the page brings them.
 */
export function watchTheme(host: ConnectScript, changed: (theme: HostTheme) => void): void {
  const heard = (data: unknown) => changed(themeIn(data));
  host.register?.({ theme_initialized: heard, theme_changed: heard });
  host.theming?.initializeTheming?.();
}

/** The theme in a broadcast; empty when the host has none (then the page is light). */
export function themeIn(data: unknown): HostTheme {
  const said = (data ?? {}) as { initialTheme?: HostTheme; newTheme?: HostTheme };
  return said.initialTheme ?? said.newTheme ?? {};
}

const LEAST_HEIGHT = 640;

/** The frame fills the host's page by `data-options`; where a host cannot do that, it gets a height to work in. */
export function fillFrame(host: ConnectScript, patience: number): void {
  window.setTimeout(() => {
    if (window.innerHeight < LEAST_HEIGHT) host.resize?.('100%', `${LEAST_HEIGHT}px`);
  }, patience);
}

/** A panel in an issue is as high as what it shows. */
export function fitFrame(host: ConnectScript): void {
  const page = document.getElementById('page') ?? document.body;
  new ResizeObserver(() => host.resize?.('100%', `${Math.max(page.scrollHeight, LEAST_PANEL_HEIGHT)}px`)).observe(page);
}

const LEAST_PANEL_HEIGHT = 120;
