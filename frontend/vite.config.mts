import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Modules of Atlaskit's that ours take the place of, each with the reason in its first lines. */
const OURS: Readonly<Record<string, string>> = {
  '@atlaskit/feature-gate-js-client/feature-gates': 'src/host/gates.ts',
  '../artifacts/theme-import-map': 'src/host/themes.ts',
  '@atlaskit/tokens/artifacts/theme-import-map': 'src/host/themes.ts',
  'react-scrolllock': 'src/host/scroll.tsx',
};

/** All packages but those that only a part loaded on demand needs. */
const SHARED = /node_modules\/(?!@forge\/|tslib|@atlaskit\/(drawer|tokens)|iframe-resizer)|\/src\/(api|parts)\//;

function standIns(): Plugin {
  return {
    name: 'stand-ins',
    enforce: 'pre',
    resolveId: (source) => {
      const path = OURS[source];
      return path === undefined ? null : fileURLToPath(new URL(path, import.meta.url));
    },
  };
}

// base './': the page is served by connect at `/`, by Forge below a path of its own. manifest: scripts/size.mjs reads who loads what.
export default defineConfig({
  base: './',
  plugins: [standIns(), react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    manifest: true,
    // Forms and tabs are loaded on demand: what they share with the rest stays one file, which compresses better than twenty.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', test: SHARED }] } } },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
