/** What a host's own React application uses. */

export { ApiProblem, configureProFlow, convertProFlowToInngest, getInngestExecutionStatus } from './api/client';
export type { Connection } from './api/client';
export { useInngestExecutionStatus } from './api/live';
export type { LiveConnection, LiveStatus } from './api/live';
export type {
  Compiled,
  Diagnostic,
  ExecutionStatus,
  NodeState,
  NodeStatus,
  Picture,
} from './api/types';
export { WorkflowCanvas } from './canvas/WorkflowCanvas';
export type { WorkflowCanvasProps } from './canvas/WorkflowCanvas';
export { LanguageProvider } from './i18n';
