import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const gates = fileURLToPath(new URL('./src/host/gates.ts', import.meta.url));

// base './': the page is served by connect at `/`, by Forge below a path of its own.
export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { alias: { '@atlaskit/feature-gate-js-client/feature-gates': gates } },
  build: { target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: false, chunkSizeWarningLimit: 900 },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
