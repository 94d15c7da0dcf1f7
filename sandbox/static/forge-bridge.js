// Runs in an app's frame before the app's own scripts and gives it what @forge/bridge looks for: `__bridge.callBridge(command,
// payload)`. What needs the browser alone is answered here; everything else is the host page's to answer (forge-host.js).

(() => {
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;

  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || data?.forge === undefined) return;
    if (data.forge === 'answer') answered(data);
    if (data.forge === 'theme') document.documentElement.dataset.colorMode = data.colorMode;
  });

  function answered({ id, value, error }) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  }

  function tell(message) {
    window.parent.postMessage(message, '*'); // the policy of these files lets nobody but the host be the parent
  }

  function ask(command, payload) {
    return new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      tell({ forge: 'call', id: last, command, payload }); // what cannot be cloned, such as a function, is refused right here
    });
  }

  /** Events between the frames of an app: there is one frame. */
  function on({ event, callback }) {
    const heard = listeners.get(event) ?? new Set();
    listeners.set(event, heard.add(callback));
    return { unsubscribe: () => heard.delete(callback) };
  }

  function emit({ event, payload }) {
    for (const callback of listeners.get(event) ?? []) callback(payload);
  }

  /** The part of npm history that pages use; the app's own addresses live below the module's. */
  function createHistory() {
    const heard = new Set();
    const entries = [{ pathname: '/', search: '', hash: '', state: null, key: 'default' }];
    const moved = (action, location) => {
      history.location = location;
      history.action = action;
      for (const callback of heard) callback(location, action);
    };
    const read = (to, state) => {
      const url = new URL(typeof to === 'string' ? to : (to.pathname ?? '/'), 'https://app.invalid');
      return { pathname: url.pathname, search: url.search, hash: url.hash, state: state ?? null, key: String(entries.length) };
    };
    const history = {
      action: 'POP',
      location: entries[0],
      push: (to, state) => moved('PUSH', entries[entries.push(read(to, state)) - 1]),
      replace: (to, state) => moved('REPLACE', (entries[entries.length - 1] = read(to, state))),
      goBack: () => {
        if (entries.length > 1) entries.pop();
        moved('POP', entries[entries.length - 1]);
      },
      listen: (callback) => {
        heard.add(callback);
        return () => heard.delete(callback);
      },
    };
    return history;
  }

  const HERE = { on, onPublic: on, emit, emitPublic: emit, createHistory };

  async function callBridge(command, payload) {
    return Object.hasOwn(HERE, command) ? HERE[command](payload) : ask(command, payload);
  }

  Object.defineProperty(globalThis, '__bridge', { value: Object.freeze({ callBridge }), enumerable: true });

  window.addEventListener('load', () => {
    new ResizeObserver(() => tell({ forge: 'height', height: document.documentElement.offsetHeight })).observe(document.documentElement);
  });
})();
