import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// base './': the page is served by connect at `/`, by Forge below a path of its own.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: false },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
