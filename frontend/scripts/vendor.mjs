// Copies both sides of Jira's Connect bridge, and the jQuery its host side stands on, to where the stand-in Jira serves them.
import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILES = {
  'atlassian-connect-js': ['dist/connect-host.js', 'dist/connect-host.css', 'dist/iframe.js'],
  jquery: ['dist/jquery.min.js'],
};

const { resolve } = createRequire(import.meta.url);
const to = fileURLToPath(new URL('../../sandbox/static/vendor/', import.meta.url));
mkdirSync(to, { recursive: true });
for (const [name, files] of Object.entries(FILES)) {
  const from = dirname(resolve(`${name}/package.json`));
  for (const file of files) cpSync(join(from, file), join(to, basename(file)));
}
console.log(`Copied ${Object.values(FILES).flat().map((file) => basename(file)).join(', ')} to sandbox/static/vendor/`);
