// The page of pages: shows the sandbox's state, polled, and sends the forms to the control API.

const $ = (selector) => document.querySelector(selector);
let state = null;
let chosen = location.hash.slice(1);
let tag = '';

const POLL = 1000;
let asked = 0;
let pressed = false;

/** Asks for ever; of answers that cross each other only that to the last question counts. */
async function follow() {
  await poll();
  setTimeout(follow, POLL);
}

async function poll() {
  asked += 1;
  const mine = asked;
  const answer = await fetch('/page/state', { headers: tag ? { 'If-None-Match': tag } : {} }).catch(() => null);
  if (!answer || answer.status !== 200) return;
  const found = await answer.json();
  if (mine !== asked) return;
  tag = answer.headers.get('ETag') ?? '';
  state = found;
  if (!pressed) draw();
}

// What is pressed is not drawn anew before it is let go: a click begins and ends on one element.
document.addEventListener('pointerdown', () => { pressed = true; }, true);
for (const end of ['pointerup', 'pointercancel']) {
  document.addEventListener(end, () => setTimeout(() => {
    pressed = false;
    if (state) draw();
  }), true);
}

function draw() {
  fill('[data-people]', state.people.filter((person) => person.kind === 'atlassian').map((person) => [person.accountId, person.name]));
  fill('[data-assignees]', [['', 'nobody'], ...state.people.filter((person) => person.kind === 'atlassian').map((person) => [person.accountId, person.name])]);
  fill('[data-statuses]', state.statuses.map((status) => [status.name, status.name]));
  fill('[data-roles]', [['', 'everyone'], ...state.roles.map((role) => [role, role])]);
  const to = $('#mail-form').elements.to;
  if (!to.value) to.value = state.mailbox;
  drawIssues();
  drawIssue();
  drawInboxes();
  $('#mailboxes').replaceChildren(...Object.entries(state.mailboxes).map(([address, box]) =>
    make('li', {}, address, ' ', make('span', { class: 'meta' }, `${box.messages} messages, ${box.unread} unread`))));
  const alarm = $('#to-violations');
  alarm.textContent = state.violations.length ? `Violations (${state.violations.length})` : 'Violations';
  alarm.classList.toggle('alarm', state.violations.length > 0);
}

function drawIssues() {
  const rows = state.issues.map((issue) => make('li', {},
    make('button', { type: 'button', 'aria-current': String(issue.key === chosen), onclick: () => choose(issue.key) },
      make('span', { class: 'key' }, issue.key), issue.summary, make('br'),
      make('span', { class: 'meta' }, `${issue.status} · ${plural(issue.comments.length, 'comment')} · ${plural(issue.attachments.length, 'file')}`))));
  $('#issues').replaceChildren(...(rows.length ? rows : [make('li', { class: 'empty' }, 'No issues yet.')]));
}

function choose(key) {
  chosen = key;
  history.replaceState(null, '', `#${key}`);
  const issue = state.issues.find((one) => one.key === key);
  if (issue) {
    const form = $('#change-form').elements;
    form.status.value = issue.status;
    form.assignee.value = issue.assignee?.accountId ?? '';
  }
  draw();
}

window.addEventListener('hashchange', () => choose(location.hash.slice(1)));

function drawIssue() {
  const issue = state.issues.find((one) => one.key === chosen);
  for (const form of ['#comment-form', '#change-form']) $(form).hidden = !issue;
  if (!issue) return;
  $('#issue-title').textContent = issue.key;
  const from = issue.mail?.from;
  $('#issue').replaceChildren(
    make('strong', {}, issue.summary), ' ', make('span', { class: 'tag' }, issue.status), ' ', make('span', { class: 'tag' }, issue.type),
    make('p', { class: 'meta' },
      `Reporter ${issue.reporter?.name ?? 'nobody'} · Assignee ${issue.assignee?.name ?? 'nobody'}`,
      from ? ` · by mail from ${from.name || ''} <${from.address}>` : ''),
    make('div', { class: 'text' }, issue.text || '(no description)'),
    ...issue.attachments.map((file) => make('p', {},
      make('a', { href: `/control/attachments/${file.id}`, download: file.filename }, file.filename),
      make('span', { class: 'meta' }, ` ${file.mimeType}, ${file.size.toLocaleString()} bytes`))),
    ...issue.comments.map((comment) => make('article', { class: comment.internal ? 'internal' : '' },
      make('strong', {}, comment.author?.name ?? 'somebody'), ' ',
      make('span', { class: 'meta' }, moment(comment.created), comment.mail?.from ? ` · by mail from ${comment.mail.from.address}` : ''), ' ',
      comment.internal ? make('span', { class: 'tag internal' }, 'internal') : '',
      comment.visibility ? make('span', { class: 'tag' }, `only ${comment.visibility.value}`) : '',
      make('div', { class: 'text' }, comment.text))),
  );
}

function drawInboxes() {
  const open = new Set([...document.querySelectorAll('#inboxes details[open]')].map((letter) => letter.dataset.id));
  const groups = Object.entries(state.inboxes).map(([address, found]) => make('div', {},
    make('h3', {}, address), ...found.map((letter) => drawLetter(address, letter, open.has(String(letter.id))))));
  $('#inboxes').replaceChildren(...(groups.length ? groups : [make('p', { class: 'empty' }, 'Nobody has mail yet.')]));
}

function drawLetter(address, letter, open) {
  const details = make('details', { 'data-id': letter.id },
    make('summary', {}, letter.subject || '(no subject)', make('span', { class: 'meta' }, ` from ${letter.from}`)),
    make('p', { class: 'meta' }, `To ${letter.to}`, letter.cc ? ` · Cc ${letter.cc}` : '', letter.reply_to ? ` · Reply to ${letter.reply_to}` : '', ` · ${letter.date}`),
    make('div', { class: 'text' }, letter.text || textOf(letter.html)),
    ...letter.attachments.map((file) => make('p', { class: 'meta' }, `${file.filename} ${file.content_type}, ${file.size} bytes`)),
    make('div', { class: 'row' },
      make('button', { type: 'button', class: 'quiet', onclick: () => reply(address, letter) }, 'Reply'),
      make('button', { type: 'button', class: 'quiet', onclick: () => bounce(letter) }, 'Bounce it'),
      make('a', { href: `/control/letters/${letter.id}/raw`, target: '_blank' }, 'Raw')));
  details.open = open;
  return details;
}

function reply(address, letter) {
  const form = $('#mail-form').elements;
  form.from.value = address;
  form.to.value = letter.reply_to || letter.from;
  form.cc.value = '';
  form.subject.value = /^re:/i.test(letter.subject) ? letter.subject : `Re: ${letter.subject}`;
  form.in_reply_to.value = letter.message_id;
  form.references.value = [...letter.references, letter.message_id].join(' ');
  const quoted = (letter.text || textOf(letter.html)).trimEnd().split('\n').map((line) => `> ${line}`).join('\n');
  form.text.value = `\n\nOn ${letter.date}, ${letter.from} wrote:\n${quoted}\n`;
  $('#reply-note').textContent = 'A reply, with its references.';
  $('#new-mail').hidden = false;
  form.text.focus();
  form.text.setSelectionRange(0, 0);
  $('#mail-form').scrollIntoView({ block: 'nearest' });
}

function freshMail() {
  const form = $('#mail-form');
  const from = form.elements.from.value;
  form.reset();
  form.elements.from.value = from;
  form.elements.to.value = state?.mailbox ?? '';
  form.elements.in_reply_to.value = form.elements.references.value = '';
  $('#reply-note').textContent = '';
  $('#new-mail').hidden = true;
}

$('#new-mail').addEventListener('click', freshMail);

async function bounce(letter) {
  await post('/control/bounce', { letter: letter.id });
  await poll();
}

$('#mail-form').addEventListener('submit', (event) => submit(event, async (fields, form) => {
  const attachments = await Promise.all([...form.elements.file.files].map(async (file) => (
    { filename: file.name, content_type: file.type || 'application/octet-stream', base64: await base64(file) })));
  const mail = { from: fields.from, to: fields.to, subject: fields.subject, text: fields.text, attachments };
  for (const name of ['cc', 'in_reply_to', 'references']) if (fields[name]) mail[name] = fields[name];
  await post('/control/mail', mail);
  freshMail();
  return 'Sent.';
}));

$('#comment-form').addEventListener('submit', (event) => submit(event, async (fields, form) => {
  const comment = { issue: chosen, accountId: fields.accountId, text: fields.text, internal: fields.internal === 'on' };
  if (fields.role) comment.visibility = { type: 'role', value: fields.role, identifier: fields.role };
  await post('/control/comments', comment);
  form.elements.text.value = form.elements.role.value = '';
  form.elements.internal.checked = false;
  return 'Commented.';
}));

$('#change-form').addEventListener('submit', (event) => submit(event, async (fields) => {
  await post(`/control/issues/${chosen}`, { accountId: fields.accountId, status: fields.status, assignee: fields.assignee ? { accountId: fields.assignee } : null }, 'PUT');
  return 'Changed.';
}));

async function submit(event, act) {
  event.preventDefault();
  const form = event.target;
  const said = form.querySelector('.said');
  said.classList.remove('bad');
  try {
    said.textContent = await act(Object.fromEntries(new FormData(form)), form);
  } catch (error) {
    said.textContent = error.message;
    said.classList.add('bad');
  }
  await poll();
}

async function post(path, body, method = 'POST') {
  const answer = await fetch(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `The sandbox answered ${answer.status}.`);
  return answer;
}

function fill(selector, options) {
  for (const select of document.querySelectorAll(selector)) {
    const shown = JSON.stringify(options);
    if (select.dataset.shown === shown) continue;
    const before = select.value;
    select.replaceChildren(...options.map(([value, label]) => make('option', { value }, label)));
    if (options.some(([value]) => value === before)) select.value = before;
    select.dataset.shown = shown;
  }
}

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value' || value !== '') element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function textOf(html) {
  return new DOMParser().parseFromString(html, 'text/html').body.textContent.replace(/\n\s*\n+/g, '\n\n').trim();
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function moment(text) {
  return new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')).toLocaleTimeString();
}

await follow(); // last, so that every form is heard before it can be used
