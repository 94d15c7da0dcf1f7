/** Starts the page: finds the host it stands in, takes on its theme, and shows what fits. */
import '@atlaskit/css-reset';
import './page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { createApi } from './api/client';
import { connectTransport, request } from './api/connect';
import { asProblem, Problem, problemOf } from './api/problem';
import { contextToken, fillFrame, loadConnectScript, siteAddress, watchTheme } from './host/connect';
import { colorModeOf } from './host/color';
import { applyTheme } from './host/theme';
import { NoAnswer, Outside } from './Outside';

const PATIENCE_MS = 15_000;
const FRAME_PATIENCE_MS = 1_500;

const root = createRoot(document.getElementById('page') ?? document.body);

async function start(): Promise<void> {
  await applyTheme('auto');
  if (window.parent === window) show(<Outside />);
  else await startInConnect();
}

async function startInConnect(): Promise<void> {
  try {
    const host = await loadConnectScript(await scriptAddress(), PATIENCE_MS);
    watchTheme(host, (theme) => void applyTheme(colorModeOf(theme)));
    fillFrame(host, FRAME_PATIENCE_MS);
    const site = await siteAddress(host, PATIENCE_MS).catch(() => null);
    const transport = connectTransport(
      () => contextToken(host, PATIENCE_MS),
      (url, init) => window.fetch(url, init),
      () => Date.now() / 1000,
    );
    const api = createApi(transport);
    show(<App api={api} site={site} />);
  } catch (thrown) {
    show(<NoAnswer reason={asProblem(thrown).message} onRetry={() => window.location.reload()} />);
  }
}

async function scriptAddress(): Promise<string> {
  const answer = await request((url, init) => window.fetch(url, init), 'GET', '/api/connect/page', null);
  if (answer.status >= 400) throw problemOf(answer.status, answer.body);
  const address = (answer.body as { allJs?: unknown } | null)?.allJs;
  if (typeof address !== 'string') throw new Problem(answer.status, 'Mailbridge does not know where Jira’s Connect script is');
  return address;
}

function show(view: React.ReactNode): void {
  root.render(<StrictMode>{view}</StrictMode>);
}

void start();
