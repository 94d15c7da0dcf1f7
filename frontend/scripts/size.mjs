// Weighs the built page, gzipped, against the limits below: what everybody loads, what a form or a tab loads when somebody opens it, and what
// Forge's bridge adds inside a Forge app.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 260_000;
const BRIDGE_LIMIT = 16_000;
const LATER_LIMIT = 30_000;

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const chunks = built();
const everybody = filesOf(['index.html']);
const bridge = Object.keys(chunks).filter((key) => key.includes('@forge/bridge'));
const forge = new Set([...filesOf(bridge)].filter((file) => !everybody.has(file)));
const onDemand = Object.keys(chunks).filter((key) => /^src\/.*\.tsx$/.test(key) && chunks[key].isDynamicEntry);
const later = new Set([...filesOf(onDemand)].filter((file) => !everybody.has(file)));
const rest = new Set(Object.values(chunks).flatMap(({ file, css = [] }) => [file, ...css]));
for (const file of [...everybody, ...forge, ...later]) rest.delete(file);

const total = weigh('Everybody loads', ['index.html', ...everybody]);
const more = weigh('Loaded when somebody asks for it', [...later]);
const extra = weigh('Inside a Forge app also', [...forge]);
weigh('Built, but loaded by nothing that the page does', [...rest]);
if (bridge.length === 0) fail('Forge’s bridge is no chunk of its own: everybody would load it, and outside Jira it throws.');
if (total > LIMIT) fail(`The page is too heavy (limit ${kB(LIMIT).trim()}): see what grew, or raise the limit with a reason.`);
if (more > LATER_LIMIT) fail(`What is loaded on demand is too heavy (limit ${kB(LATER_LIMIT).trim()}): see what grew.`);
if (extra > BRIDGE_LIMIT) fail(`Forge’s bridge is too heavy (limit ${kB(BRIDGE_LIMIT).trim()}): see what it brings.`);

/** Vite's manifest: by source, the file and what it imports. */
function built() {
  try {
    return JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));
  } catch {
    return fail('dist/ holds no page: run `npm run build` first.');
  }
}

/** The files of these chunks and of all that they import at once. */
function filesOf(keys, seen = new Set()) {
  const files = new Set();
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    const { file, css = [], imports = [] } = chunks[key];
    for (const one of [file, ...css, ...filesOf(imports, seen)]) files.add(one);
  }
  return files;
}

function weigh(title, files) {
  console.log(`${title}:`);
  const parts = files
    .map((name) => {
      const bytes = readFileSync(join(dist, name));
      return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
    })
    .sort((one, other) => other.gzip - one.gzip);
  for (const { name, raw, gzip } of parts) console.log(`${kB(gzip)} gzip ${kB(raw)} raw  ${name}`);
  const sum = parts.reduce((before, { gzip }) => before + gzip, 0);
  console.log(`${kB(sum)} gzip in all`);
  return sum;
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
