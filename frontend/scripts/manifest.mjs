// Checks a Forge manifest without a network: `node scripts/manifest.mjs [FOLDER]` (the folder that holds manifest.yml; else frontend/).
// Atlassian's own tool does most of it; what it lets pass is checked here after its own tables: event names and the scopes they need.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const require = createRequire(import.meta.url);
const { ProcessorBuilder, ValidationTypes } = require('@forge/manifest');
const tables = join(dirname(require.resolve('@forge/manifest')), 'mapping/product-event-to-scope-mapping.json');

// Events of the app's own life; they need no scope and stand in no table.
const LIFECYCLE = new Set(['avi:forge:installed:app', 'avi:forge:upgraded:app']);

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
process.chdir(folder); // the tool reads ./manifest.yml and looks for the resources beside it
const found = [...(await byAtlassian()), ...byTheTables(parse(readFileSync('manifest.yml', 'utf8')))];
for (const { level, text } of found) console.error(`${level}: ${text}`);
const wrong = found.filter(({ level }) => level === 'error').length;
console.log(wrong === 0 ? `${folder}/manifest.yml is accepted.` : `${folder}/manifest.yml has ${wrong} error(s).`);
process.exit(wrong === 0 ? 0 : 1);

async function byAtlassian() {
  const result = await ProcessorBuilder.instance().withValidation(ValidationTypes.FULL).build().process();
  const said = (result.errors ?? []).map(({ level, line, message }) => ({ level, text: `line ${line ?? '?'}: ${message}` }));
  if (result.success || said.some(({ level }) => level === 'error')) return said;
  return [...said, { level: 'error', text: 'The tool refused the manifest and did not say why.' }];
}

function byTheTables(manifest) {
  const mapping = JSON.parse(readFileSync(tables, 'utf8')).mapping;
  const needed = new Map(mapping.map(({ productEvent, oAuthScopes }) => [productEvent, oAuthScopes]));
  const scopes = manifest.permissions?.scopes ?? [];
  const asked = new Set(Array.isArray(scopes) ? scopes : Object.keys(scopes));
  const granted = (list) => Array.isArray(list) && list.length > 0 && list.every((scope) => asked.has(scope));
  const triggers = manifest.modules?.trigger ?? [];
  return triggers.flatMap(({ key, events = [] }) =>
    events
      .map((event) => event.eventType ?? event)
      .filter((event) => !LIFECYCLE.has(event))
      .flatMap((event) => {
        const ways = needed.get(event);
        if (ways === undefined) return [{ level: 'error', text: `trigger ${key}: there is no event ${event}.` }];
        if (granted(ways.current) || granted(ways.beta)) return [];
        return [{ level: 'error', text: `trigger ${key}: ${event} needs the scope ${(ways.current ?? ways.beta).join(', ')}.` }];
      }),
  );
}
