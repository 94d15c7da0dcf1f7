/** Starts the page: finds the host it stands in, takes on its theme, and shows what fits. */
import '@atlaskit/css-reset';
import './page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { createApi, type Api } from './api/client';
import { connectTransport } from './api/connect';
import { forgeTransport } from './api/forge';
import { asProblem, Problem } from './api/problem';
import { loginApi, type PageInfo } from './api/standalone';
import { colorModeOf } from './host/color';
import { contextToken, fillFrame, fitFrame, loadConnectScript, siteAddress, watchTheme } from './host/connect';
import { doorIn, errandIn, ISSUE_PANEL } from './host/doors';
import { followTheme, forgeHost } from './host/forge';
import { surroundings } from './host/surroundings';
import { applyTheme } from './host/theme';
import { viewFor, type View } from './host/view';
import { IssuePanel } from './issue/IssuePanel';
import { Standalone } from './login/Standalone';
import { NoAnswer, Outside } from './Outside';
import { ProjectPage } from './project/ProjectPage';

const PATIENCE_MS = 15_000;
const FRAME_PATIENCE_MS = 1_500;

const root = createRoot(document.getElementById('page') ?? document.body);
const fetchHere = (url: string, init?: RequestInit) => window.fetch(url, init);
const now = () => Date.now() / 1000;
const login = loginApi(fetchHere);

async function start(): Promise<void> {
  await applyTheme('auto');
  try {
    await STARTS[surroundings(window)]();
  } catch (thrown) {
    show(<NoAnswer reason={asProblem(thrown).message} onRetry={() => window.location.reload()} />);
  }
}

const STARTS = { forge: startInForge, connect: startInConnect, standalone: startAlone };

async function startInForge(): Promise<void> {
  const { invoke, door, site, color } = await forgeHost(PATIENCE_MS);
  await applyTheme(color);
  void followTheme((mode) => void applyTheme(mode));
  const connection = forgeTransport(invoke, now);
  const session = await connection.session();
  showView(createApi(connection), viewFor(door, session), site ?? (session.site || null));
}

async function startInConnect(): Promise<void> {
  const { allJs } = await login.page();
  if (allJs === null) throw new Problem(0, 'Mailbridge does not know where Jira’s Connect script is');
  const host = await loadConnectScript(allJs, PATIENCE_MS);
  watchTheme(host, (theme) => void applyTheme(colorModeOf(theme)));
  const { module, projectKey } = doorIn(window.location.href);
  if (module === ISSUE_PANEL) fitFrame(host);
  else fillFrame(host, FRAME_PATIENCE_MS);
  const site = await siteAddress(host, PATIENCE_MS).catch(() => null);
  const connection = connectTransport(() => contextToken(host, PATIENCE_MS), fetchHere, now);
  const session = await connection.session();
  const project = session.project ? { id: session.project, key: projectKey } : null;
  showView(createApi(connection), viewFor({ module, project, issue: null }, session), site);
}

async function startAlone(): Promise<void> {
  const info = await login.page().catch((): PageInfo => ({ allJs: null, login: null }));
  if (info.login === null) return show(<Outside />);
  const errand = errandIn(window.location.href);
  // A link pasted over the page's own address changes what is behind the # only: browsers then load nothing.
  window.addEventListener('hashchange', () => errandIn(window.location.href).setUp && window.location.reload());
  const done = () => window.history.replaceState(null, '', window.location.pathname);
  show(<Standalone fetch={fetchHere} now={now} login={login} ways={info.login} errand={errand} onDone={done} />);
}

function showView(api: Api, view: View, site: string | null): void {
  if (view.kind === 'issue') show(<IssuePanel api={api} issue={view.issue.id} />);
  else if (view.kind === 'project') show(<ProjectPage api={api} site={site} project={view.project} />);
  else show(<App api={api} site={site} />);
}

function show(view: React.ReactNode): void {
  root.render(<StrictMode>{view}</StrictMode>);
}

void start();
