// Weighs the built page: every script and style sheet of dist/, gzipped, against the one limit below.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 260_000;

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const parts = readdirSync(dist, { recursive: true })
  .map(String)
  .filter((name) => /\.(js|css|html)$/.test(name))
  .map((name) => {
    const bytes = readFileSync(join(dist, name));
    return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
  })
  .sort((one, other) => other.gzip - one.gzip);

for (const { name, raw, gzip } of parts) console.log(`${kB(gzip)} gzip ${kB(raw)} raw  ${name}`);
const total = parts.reduce((sum, { gzip }) => sum + gzip, 0);
console.log(`${kB(total)} gzip in all, limit ${kB(LIMIT)}`);
if (parts.length === 0) fail('dist/ holds no page: run `npm run build` first.');
if (total > LIMIT) fail('The page is too heavy: see what grew, or raise the limit with a reason.');

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
