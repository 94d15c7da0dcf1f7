// Copies both sides of Jira's Connect bridge to where the stand-in Jira serves them.
import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILES = ['connect-host.js', 'connect-host.css', 'iframe.js'];

const from = join(dirname(createRequire(import.meta.url).resolve('atlassian-connect-js/package.json')), 'dist');
const to = fileURLToPath(new URL('../../sandbox/static/vendor/', import.meta.url));
mkdirSync(to, { recursive: true });
for (const file of FILES) cpSync(join(from, file), join(to, file));
console.log(`Copied ${FILES.join(', ')} to sandbox/static/vendor/`);
