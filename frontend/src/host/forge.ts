/** Jira as the host of this page under Forge: what we use of its bridge. Importing the bridge anywhere else throws. */
import type { InvokeRemote } from '../api/forge';
import { colorModeOf, type ColorMode } from './color';
import { within } from './patience';
import { placeIn, type Door } from './view';

export interface ForgeHost {
  invoke: InvokeRemote;
  door: Door;
  /** Jira's own address, for links to issues. */
  site: string | null;
  color: ColorMode;
}

/** Loads the bridge (a chunk of its own) and asks it where the page stands. `patience`: milliseconds that it is waited for. */
export async function forgeHost(patience: number): Promise<ForgeHost> {
  const { invokeRemote, view } = await import('@forge/bridge');
  const context = await within<unknown>(patience, 'Jira did not say where this page stands', (found, failed) => {
    view.getContext().then(found, failed);
  });
  return { invoke: (input) => invokeRemote(input), ...readContext(context) };
}

/** What the page takes from `view.getContext()`. */
export function readContext(context: unknown): Omit<ForgeHost, 'invoke'> {
  const { moduleKey, siteUrl, theme, extension } = (context ?? {}) as Record<string, unknown>;
  const { type, project, issue } = (extension ?? {}) as Record<string, unknown>;
  const module = [moduleKey, type].find((name): name is string => typeof name === 'string' && name !== '');
  return {
    door: { module: module ?? '', project: placeIn(project), issue: placeIn(issue) },
    site: typeof siteUrl === 'string' ? siteUrl.replace(/\/+$/, '') : null,
    color: colorModeOf((theme ?? {}) as Record<string, unknown>),
  };
}

/**
 * Asks Jira to keep the page's theme, which it does by attributes of the document, and tells `changed` the mode whenever it changes them.
 * Where the host does not know themes the page stays as `view.getContext()` said.
 */
export async function followTheme(changed: (mode: ColorMode) => void): Promise<void> {
  const root = document.documentElement;
  let known = root.dataset.colorMode;
  new MutationObserver(() => {
    if (root.dataset.colorMode === known) return;
    known = root.dataset.colorMode;
    changed(colorModeOf(root.dataset));
  }).observe(root, { attributes: true, attributeFilter: ['data-color-mode'] });
  const { view } = await import('@forge/bridge');
  try {
    await view.theme.enable();
  } catch {
    // A host without themes.
  }
}
