/** What the service says: generated from its description, and what that leaves open. */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Me = Schemas['Me'];
export type Colleague = Schemas['Colleague'];
export type DesignSummary = Schemas['Summary'];
export type Draft = Schemas['Draft'];
export type Version = Schemas['Version'];
export type VersionDrawing = Schemas['VersionDrawing'];
export type RunSummary = Schemas['RunSummary'];
export type Task = Schemas['Task'];
export type ApprovalSummary = Schemas['ApprovalSummary'];
export type ApprovalDetails = Schemas['ApprovalDetails'];
export type ActName = Schemas['Act']['act'];
export type NewAct = Schemas['Act'];
export type Delegation = Schemas['Delegation'];
export type NewDelegation = Schemas['NewDelegation'];
export type Change = Schemas['Change'];

export interface Listed<T> {
  items: T[];
  total: number;
}

export interface Following<T> {
  items: T[];
  next: string | null;
}

/** An operation of a JSON Patch on the drawing, with `pointer` for the patch's `path`. */
export interface Edit {
  op: 'add' | 'remove' | 'replace' | 'move';
  pointer: string;
  value?: unknown;
  from?: string;
}

/** A change after which the problem is gone; a `safe` one changes nothing that a run does. */
export interface Fix {
  title: string;
  safe: boolean;
  edits: Edit[];
}

export interface Diagnostic {
  code: string;
  name: string;
  level: 'error' | 'warning' | 'info';
  message: string;
  help: string | null;
  pointer: string | null;
  line: number | null;
  column: number | null;
  node: string | null;
  /** The `key` of an edge of the picture. */
  edge: string | null;
  /** The nodes of a walk that shows what is wrong. */
  path: string[];
  fixes: Fix[];
  /** How many further fixes were left out, as trying each takes too long. */
  fixes_untried: number;
  /** The name of the message and its arguments, to word it elsewhere. */
  key: string | null;
  arguments: Record<string, unknown>;
}

export const NODE_STATUSES = [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'skipped',
  'cancelled',
] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

export interface NodeState {
  status: NodeStatus;
  outcome?: string | string[] | null;
  attempts?: number | null;
  started_at?: string | null;
  ended_at?: string | null;
  error?: { name: string; message: string } | null;
  notes?: string[];
  /** In a loop: which round. */
  round?: number;
  /** Of a node inside a foreach: how many of its items are in which status. */
  items?: Partial<Record<NodeStatus, number>>;
}

export interface ExecutionStatus extends Omit<Schemas['RunStatus'], 'nodes' | 'error'> {
  error?: { name: string; message: string } | null;
  nodes: Record<string, NodeState>;
}

export const OPEN_STATUSES: readonly string[] = ['pending', 'running', 'waiting'];

export interface PictureNode {
  id: string;
  type: string;
  label: string;
  /** Of the upper left corner, in pixels, counted from the parent's. */
  x: number;
  y: number;
  width: number;
  height: number;
  parent: string | null;
  config: Record<string, unknown>;
  /** Whether the config was removed, because the user may not see it. */
  redacted?: boolean;
  outcomes: string[];
}

/** How a run shows that it went along an edge. */
export interface Leaving {
  by: string;
  always: boolean;
  ruled: boolean;
}

export interface PictureEdge {
  id: string;
  key: string | null;
  source: string;
  target: string;
  handle: string | null;
  outcome: string | null;
  label: string | null;
  back: boolean;
  error: boolean;
  /** False: it is a setting of an approval, and no edge of the drawing. */
  drawn: boolean;
  leaving: Leaving;
}

export interface Picture {
  id: string;
  name: string;
  width: number;
  height: number;
  nodes: PictureNode[];
  edges: PictureEdge[];
}

export interface Drawn {
  picture: Picture | null;
  diagnostics: Diagnostic[];
}

export interface Compiled {
  ok: boolean;
  workflow: string | null;
  diagnostics: Diagnostic[];
  python: string | null;
  definition: unknown;
}

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  additionalProperties?: boolean | JsonSchema;
}

export interface NodeTypeInfo {
  type: string;
  /** What else drawings call it. */
  aliases: string[];
  outcomes: string[];
  rules: boolean;
  container: boolean;
  config: JsonSchema;
  kind: 'computes' | 'step' | 'waits' | 'structure' | 'container' | 'end';
  /** Where it stands in the palette. */
  category: string;
  /** The name of an icon of Ant Design. */
  icon: string;
  /** Its outline in drawings. */
  shape: string;
  title: Words;
  summary: Words;
  /** What settings are called, where the page has no word for them. */
  labels: Record<string, Words>;
  /** What settings mean, in Markdown. */
  fields: Record<string, Words>;
}

/** Where drawings keep what is read of them: keys, and paths of keys, the most usual first. */
export type DrawingKeys = Schemas['DrawingKeys'];

/** A text in both languages. */
export interface Words {
  zh: string;
  en: string;
}
