import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { dependencies } from './package.json';

const given = Object.keys(dependencies);

/** What a host's own application imports: it brings the libraries itself. */
export default defineConfig({
  plugins: [react()],
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: 'index', cssFileName: 'style' },
    rollupOptions: {
      external: (id) => given.some((name) => id === name || id.startsWith(`${name}/`)),
    },
  },
});
