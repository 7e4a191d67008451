/** Requests to the service. */

import type {
  ApprovalDetails,
  ApprovalSummary,
  Change,
  Colleague,
  Compiled,
  Delegation,
  DesignSummary,
  Draft,
  DrawingKeys,
  Drawn,
  ExecutionStatus,
  Following,
  Listed,
  Me,
  NewAct,
  NewDelegation,
  NodeTypeInfo,
  RunSummary,
  Task,
  Version,
  VersionDrawing,
} from './types';

export interface Connection {
  /** Where the API is: `/api`, or what a host mounted the router at. */
  base: string;
  /** The bearer token of a request; null: the host's own means (a cookie) say who it is. */
  token: () => string | null;
  /** The language that answers are to be in; null: the browser's. */
  language: () => string | null;
}

const connection: Connection = { base: '/api', token: () => null, language: () => null };

/** Say where the service is, and who asks; once, before anything is shown. */
export function configureProFlow(options: Partial<Connection>): void {
  Object.assign(connection, options);
}

/** A refusal, as problem details tell it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

async function request<T>(
  method: string,
  path: string,
  { query = {}, body, signal }: { query?: Query; body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') asked.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: 'application/json' };
  const token = connection.token();
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const language = connection.language();
  if (language !== null) headers['accept-language'] = language;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(`${connection.base}${path}${asked.size ? `?${asked}` : ''}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  });
  if (!answer.ok) throw await problemOf(answer);
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

async function problemOf(answer: Response): Promise<ApiProblem> {
  try {
    const said = (await answer.json()) as Record<string, unknown>;
    const message = String(said.detail ?? said.title ?? answer.statusText);
    return new ApiProblem(answer.status, String(said.code ?? 'unknown'), message, said);
  } catch {
    return new ApiProblem(answer.status, 'unknown', answer.statusText || String(answer.status));
  }
}

const part = encodeURIComponent;

export interface RunFilter {
  workflow?: string;
  status?: string;
  since?: string;
  until?: string;
  cursor?: string;
  limit?: number;
}

export interface TaskFilter {
  status?: string;
  task_type?: string;
  since?: string;
  until?: string;
  offset?: number;
  limit?: number;
}

export const api = {
  me: () => request<Me>('GET', '/me'),
  people: (search = '', limit = 50) =>
    request<Listed<Colleague>>('GET', '/people', { query: { search, limit } }),

  designs: (query: { search?: string; published?: boolean; offset?: number; limit?: number }) =>
    request<Listed<DesignSummary>>('GET', '/designs', { query }),
  design: (code: string) => request<Draft>('GET', `/designs/${part(code)}`),
  createDesign: (design: unknown, code?: string, name?: string) =>
    request<Draft>('POST', '/designs', { body: { design, code, name } }),
  saveDesign: (code: string, design: unknown, revision: number | null, name?: string) =>
    request<Draft>('PUT', `/designs/${part(code)}`, { body: { design, revision, name } }),
  deleteDesign: (code: string) => request<void>('DELETE', `/designs/${part(code)}`),
  publish: (code: string, revision: number) =>
    request<Version>('POST', `/designs/${part(code)}/publish`, { body: { revision } }),
  unpublish: (code: string) => request<void>('POST', `/designs/${part(code)}/unpublish`),
  versions: (code: string) =>
    request<Listed<Version>>('GET', `/designs/${part(code)}/versions`, { query: { limit: 200 } }),
  version: (code: string, number: number) =>
    request<VersionDrawing>('GET', `/designs/${part(code)}/versions/${number}`),
  versionDrawing: (code: string, number: number) =>
    request<Drawn>('GET', `/designs/${part(code)}/versions/${number}/drawing`),
  draw: (design: unknown, signal?: AbortSignal) =>
    request<Drawn>('POST', '/designs/drawing', { body: { design }, signal }),
  compile: (design: unknown, signal?: AbortSignal) =>
    request<Compiled>('POST', '/designs/compile', { body: { design }, signal }),
  nodeTypes: () => request<NodeTypeInfo[]>('GET', '/node-types'),
  drawingKeys: () => request<DrawingKeys>('GET', '/drawing-keys'),

  startRun: (workflow: string, data: unknown, key?: string) =>
    request<{ run_id: string }>('POST', '/runs', { body: { workflow, data, key } }),
  runs: (filter: RunFilter) =>
    request<Following<RunSummary>>('GET', '/runs', { query: { ...filter } }),
  run: (id: string) => request<ExecutionStatus>('GET', `/runs/${part(id)}`),
  runDrawing: (id: string) => request<Drawn>('GET', `/runs/${part(id)}/drawing`),
  changes: (id: string) =>
    request<Change[]>('GET', `/runs/${part(id)}/events`, { query: { limit: 1000 } }),
  cancelRun: (id: string) => request<{ run_id: string }>('POST', `/runs/${part(id)}/cancel`),
  retryRun: (id: string) => request<{ run_id: string }>('POST', `/runs/${part(id)}/retry`),
  tasks: (filter: TaskFilter) => request<Listed<Task>>('GET', '/tasks', { query: { ...filter } }),

  approvals: (box: string, cursor?: string) =>
    request<Following<ApprovalSummary>>('GET', '/approvals', { query: { box, cursor } }),
  approval: (id: number) => request<ApprovalDetails>('GET', `/approvals/${id}`),
  act: (id: number, act: NewAct) =>
    request<ApprovalDetails>('POST', `/approvals/${id}/acts`, { body: act }),
  delegations: () => request<Delegation[]>('GET', '/delegations'),
  delegate: (given: NewDelegation) => request<Delegation>('POST', '/delegations', { body: given }),
  endDelegation: (id: number) => request<void>('DELETE', `/delegations/${id}`),
};

/** How a run and each of its nodes stand now. */
export function getInngestExecutionStatus(runId: string): Promise<ExecutionStatus> {
  return api.run(runId);
}

/** What a design becomes: a definition and Python, or what is wrong with it. */
export function convertProFlowToInngest(design: unknown): Promise<Compiled> {
  return api.compile(design);
}

/** A socket that tells of a run as it moves. */
export function openLive(runId: string): WebSocket {
  const address = new URL(`${connection.base}/runs/${part(runId)}/live`, window.location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const token = connection.token();
  return new WebSocket(address, token === null ? ['proflow'] : ['proflow', `proflow.token.${token}`]);
}
