// The host page: carries a page of the installed app in an iframe, through Connect's own bridge.

const place = document.querySelector('#place');
const who = document.querySelector('#who');
const asked = new URLSearchParams(location.search);
let listing = await list(asked.get('account') ?? '');

if (!listing.vendor) {
  place.textContent = 'The Connect scripts are missing: build the page (make build) so that sandbox/static/vendor is filled.';
} else {
  defineModules();
  drawPeople();
  open(listing.frames.find((frame) => frame.key === asked.get('module')) ?? listing.frames[0]);
}

async function list(account) {
  return (await fetch(`/host/frames?account=${encodeURIComponent(account)}`)).json();
}

/** The modules of `AP` that Jira itself adds to Connect's host script. */
function defineModules() {
  window.connectHost.defineModule('context', {
    getToken(callback) {
      const { addon_key: app } = callback._context.extension;
      token(app).then((text) => callback(text));
    },
    getContext(callback) {
      callback({ jira: {} });
    },
  });
  window.connectHost.defineModule('user', {
    getCurrentUser(callback) {
      callback({ atlassianAccountId: listing.account });
    },
  });
}

async function token(app) {
  const answer = await fetch('/host/token', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ app_key: app, account: listing.account }),
  });
  return (await answer.json()).token;
}

function drawPeople() {
  who.replaceChildren(...listing.people.map((person) => new Option(person.admin ? `${person.name} (admin)` : person.name, person.accountId)));
  who.value = listing.account;
  who.addEventListener('change', () => {
    asked.set('account', who.value);
    location.search = asked.toString();
  });
}

function open(frame) {
  document.querySelector('#modules').replaceChildren(...listing.frames.map((one) => {
    const button = document.createElement('button');
    button.textContent = one.name;
    button.setAttribute('aria-current', String(one === frame));
    button.addEventListener('click', () => {
      asked.set('module', one.key);
      location.search = asked.toString(); // a fresh page, and with it a fresh JWT in the frame's address
    });
    return button;
  }));
  if (!frame) return;
  place.replaceChildren();
  window.connectHost.create({
    addon_key: frame.app_key,
    key: frame.key,
    url: frame.url,
    options: { isFullPage: true, moduleType: frame.kind },
  }).appendTo('#place');
}
