// The Forge host page: carries a page of an installed app in a frame, as the person, project and issue that are chosen, and answers
// its bridge. What concerns this browser is answered here, the rest by the sandbox (POST /forge/bridge).

const asked = new URLSearchParams(window.location.search);
const listing = await (await fetch('/forge/host/frames')).json();
const person = listing.people.find((one) => one.accountId === asked.get('account')) ?? listing.people[0];
const place = document.querySelector('#place');
const theme = document.querySelector('#theme');
const cdn = cdnOrigin(new URL(window.location.href));
let shown = null;
const KINDS = { 'jira:adminPage': 'Administration', 'jira:projectSettingsPage': 'Project settings', 'jira:issuePanel': 'Issue', 'jira:globalPage': 'Apps' };

function draw() {
  choose('#who', listing.people.map((one) => [one.admin ? `${one.name} (admin)` : one.name, one.accountId]), person.accountId, 'account');
  theme.value = asked.get('theme') ?? 'light';
  theme.addEventListener('change', () => tellTheme());
  const open = listing.apps.flatMap((app) => app.modules.filter(mayOpen).map((module) => ({ app, module })));
  const chosen = open.find(({ module }) => module.key === asked.get('module')) ?? open[0];
  document.querySelector('#modules').replaceChildren(...open.map((one) => moduleButton(one, one === chosen)));
  if (chosen !== undefined) show(chosen);
  else if (listing.apps.length > 0) say(`${person.name} may open none of the app's pages.`);
}

/** Apps' pages have an origin of their own in Jira too: the other name of this machine's loopback interface. */
function cdnOrigin({ protocol, hostname, port }) {
  const other = { '127.0.0.1': 'localhost', localhost: '127.0.0.1' }[hostname] ?? hostname;
  return new URL(`${protocol}//${other}:${port}`).origin;
}

/** Jira shows its administration to administrators, and the rest where somebody may be. */
function mayOpen({ kind }) {
  if (kind === 'jira:adminPage') return person.admin;
  if (kind === 'jira:projectSettingsPage') return person.administers.length > 0;
  if (kind === 'jira:issuePanel') return issues().length > 0;
  return true;
}

function issues() {
  return listing.issues.filter((issue) => person.browses.includes(issue.project));
}

function moduleButton({ module }, current) {
  const button = document.createElement('button');
  button.textContent = `${KINDS[module.kind] ?? module.kind}: ${module.title}`;
  button.setAttribute('aria-current', String(current));
  button.addEventListener('click', () => go('module', module.key));
  return button;
}

function show({ app, module }) {
  document.querySelector('#where').textContent = KINDS[module.kind] ?? module.kind;
  const around = surroundings(module);
  if (module.missing !== null) {
    say(module.missing);
    return;
  }
  const frame = document.createElement('iframe');
  frame.title = module.title;
  frame.src = cdn + module.url;
  frame.setAttribute('sandbox', app.sandbox);
  frame.className = module.kind === 'jira:issuePanel' ? 'panel' : 'whole';
  shown = { app, module, frame, around: around.named };
  place.replaceChildren(...around.elements, frame);
}

/** What stands around a module: the names that its context carries, and what a person sees of it. */
function surroundings({ kind }) {
  if (kind === 'jira:issuePanel') {
    const issue = issues().find((one) => one.key === asked.get('issue')) ?? issues().at(-1);
    pick('Issue', issues().map((one) => [`${one.key} ${one.summary}`, one.key]), issue.key, 'issue');
    return { named: { issue: issue.key }, elements: [heading(`${issue.key} ${issue.summary}`)] };
  }
  if (kind === 'jira:projectSettingsPage') {
    const project = person.administers.find((one) => one === asked.get('project')) ?? person.administers[0];
    pick('Project', person.administers.map((one) => [one, one]), project, 'project');
    return { named: { project }, elements: [heading(`Settings of project ${project}`)] };
  }
  return { named: {}, elements: [] };
}

function heading(text) {
  const box = document.createElement('div');
  box.className = 'around';
  box.append(Object.assign(document.createElement('h2'), { textContent: text }));
  return box;
}

function pick(label, options, value, name) {
  const select = document.createElement('select');
  select.id = `pick-${name}`;
  const box = document.createElement('label');
  box.append(label, select);
  document.querySelector('aside').append(box);
  choose(`#pick-${name}`, options, value, name);
}

function choose(selector, options, value, name) {
  const select = document.querySelector(selector);
  select.replaceChildren(...options.map(([text, one]) => new Option(text, one)));
  select.value = value;
  select.addEventListener('change', () => go(name, select.value));
}

function go(name, value) {
  asked.set(name, value);
  asked.set('theme', theme.value);
  window.location.search = asked.toString();
}

function say(text) {
  place.replaceChildren(Object.assign(document.createElement('p'), { className: 'empty', textContent: text }));
}

async function hear({ source, origin, data }) {
  if (shown === null || source !== shown.frame.contentWindow || origin !== cdn) return;
  if (data?.forge === 'height' && shown.frame.className === 'panel') shown.frame.style.height = `${data.height}px`;
  if (data?.forge !== 'call') return;
  const answer = { forge: 'answer', id: data.id };
  try {
    answer.value = await (HERE[data.command] ?? elsewhere(data.command))(data.payload);
  } catch (error) {
    answer.error = error.message;
    flag('error', 'The bridge refused a command', error.message);
  }
  source.postMessage(answer, origin);
}

/** The commands that this page answers itself; @forge/bridge makes an error of a false. */
const HERE = {
  getContext: async () => ({ ...(await elsewhere('getContext')()), theme: { colorMode: theme.value } }),
  enableTheming: () => tellTheme(),
  changeWindowTitle: (title) => void (document.title = title),
  showFlag: ({ id, title, description, type }) => flag(type, title, description, id),
  closeFlag: ({ id }) => document.getElementById(`flag-${id}`)?.remove(),
  reload: () => again(),
  refresh: () => again(),
  navigate: ({ url, type }) => {
    if (typeof url !== 'string') throw new Error('The sandbox navigates to addresses only, not to targets');
    const address = new URL(url, window.location.origin).href;
    if (type === 'new-tab') window.open(address, '_blank', 'noopener');
    else window.location.assign(address);
  },
  emitReadyEvent: () => undefined,
  close: () => false, // no module of these kinds can be closed, opened or submitted
  open: () => false,
  submit: () => false,
};

function elsewhere(command) {
  return async (payload) => {
    const body = { command, payload, app: shown.app.app, module: shown.module.key, account: person.accountId, ...shown.around };
    const answer = await fetch('/forge/bridge', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const { result, error } = await answer.json();
    if (error !== undefined) throw new Error(error);
    return result;
  };
}

function again() {
  shown.frame.src = cdn + shown.module.url;
}

function tellTheme() {
  document.documentElement.dataset.colorMode = theme.value;
  shown?.frame.contentWindow.postMessage({ forge: 'theme', colorMode: theme.value }, cdn);
}

function flag(type, title, description, id) {
  const box = document.createElement('div');
  box.className = type;
  box.id = `flag-${id ?? crypto.randomUUID()}`;
  box.append(Object.assign(document.createElement('strong'), { textContent: title }), document.createElement('br'), description ?? '');
  document.querySelector('#flags').append(box);
  setTimeout(() => box.remove(), 8000);
}

draw();
window.addEventListener('message', hear);
