import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** FlowView writes its edges to the console at every change; nobody wants to read them. */
function quietFlowView(): Plugin {
  const said = 'console.log(_edges);';
  return {
    name: 'quiet-flow-view',
    transform(code, id) {
      return /pro-flow\/es\/FlowView\/helper\.js/.test(id) ? code.replace(said, '') : undefined;
    },
  };
}

const service = process.env.PROFLOW_SERVICE ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react(), quietFlowView()],
  build: {
    outDir: '../runtime/proflow_runtime/service/static',
    emptyOutDir: true,
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { '/api': { target: service, ws: true } } },
  optimizeDeps: { exclude: ['@ant-design/pro-flow'] },
});
