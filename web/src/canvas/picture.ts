/** From a picture and the status of a run to what FlowView draws. */

import type { FlowViewEdge, FlowViewNode } from '@ant-design/pro-flow';
import type {
  Diagnostic,
  ExecutionStatus,
  NodeState,
  Picture,
  PictureEdge,
  PictureNode,
} from '../api/types';
import { holdsNodes } from './kinds';

/** The component that draws nodes, whatever their type: a design's own words never name one. */
export const NODE = 'node';

export type Level = Diagnostic['level'];

/** What a node component is given as `data`. */
export interface CanvasNodeData {
  node: PictureNode;
  /** The names of the ways out, each with a handle of its own. */
  handles: string[];
  status?: NodeState;
  level?: Level;
  problems: number;
  onPath: boolean;
  container: boolean;
}

export interface CanvasEdgeData {
  edge: PictureEdge;
  /** Undefined: there is no run. */
  state?: 'taken' | 'skipped' | 'open';
  level?: Level;
  onPath: boolean;
  /** Which of the edges of its source it is, from 0 on, and of how many. */
  lane: readonly [number, number];
  /** Which of the edges between the same two nodes. */
  twin: number;
}

export interface Marks {
  nodes: Map<string, { level: Level; count: number }>;
  edges: Map<string, Level>;
  path: ReadonlySet<string>;
  steps: ReadonlySet<string>;
}

const ORDER: Record<Level, number> = { info: 0, warning: 1, error: 2 };
const worse = (one: Level | undefined, other: Level): Level =>
  one === undefined || ORDER[other] > ORDER[one] ? other : one;
const stepOf = (source: string, target: string) => JSON.stringify([source, target]);

/** Where diagnostics belong, and the walk that one of them shows. */
export function marks(diagnostics: readonly Diagnostic[], path: readonly string[] = []): Marks {
  const nodes: Marks['nodes'] = new Map();
  const edges: Marks['edges'] = new Map();
  for (const one of diagnostics) {
    if (one.node !== null) {
      const known = nodes.get(one.node);
      nodes.set(one.node, { level: worse(known?.level, one.level), count: (known?.count ?? 0) + 1 });
    }
    if (one.edge !== null) edges.set(one.edge, worse(edges.get(one.edge), one.level));
  }
  const steps = path.slice(1).map((target, index) => stepOf(path[index] as string, target));
  return { nodes, edges, path: new Set(path), steps: new Set(steps) };
}

function outcomesOf(state: NodeState | undefined): string[] {
  const outcome = state?.outcome;
  return Array.isArray(outcome) ? outcome : outcome == null ? [] : [outcome];
}

/** What became of an edge in a run. */
export function edgeState(
  edge: PictureEdge,
  nodes: Record<string, NodeState>,
): 'taken' | 'skipped' | 'open' {
  const source = nodes[edge.source];
  const target = nodes[edge.target];
  if (source === undefined || source.status === 'skipped') {
    return source === undefined ? 'open' : 'skipped';
  }
  if (['pending', 'running', 'waiting'].includes(source.status)) return 'open';
  const { by, always, ruled } = edge.leaving;
  const left = source.status === 'completed' && (always || outcomesOf(source).includes(by));
  const moved = !ruled || (target !== undefined && !['skipped', 'pending'].includes(target.status));
  return left && moved ? 'taken' : 'skipped';
}

/** The ways out that a node is drawn with: its outcomes, and what edges of a condition name. */
export function handlesOf(node: PictureNode, edges: readonly PictureEdge[]): string[] {
  if (node.type === 'end') return [];
  const named = edges.flatMap((edge) => (edge.handle === null ? [] : [edge.handle]));
  const plain = node.outcomes.length ? node.outcomes : ['default'];
  const used = new Set(edges.map((edge) => handleOf(edge, plain)));
  // Of outcomes that nobody has drawn only the usual one has a handle: the others are noise.
  const shown = plain.filter((one, index) => index === 0 || used.has(one));
  return [...new Set([...shown, ...named])];
}

function handleOf(edge: PictureEdge, outcomes: readonly string[]): string {
  return edge.handle ?? edge.outcome ?? outcomes[0] ?? 'default';
}

const bySource = (edges: readonly PictureEdge[]) => {
  const found = new Map<string, PictureEdge[]>();
  for (const edge of edges) {
    const known = found.get(edge.source);
    if (known) known.push(edge);
    else found.set(edge.source, [edge]);
  }
  return found;
};

/** Nodes of FlowView: containers before what is in them, as React Flow wants them. */
export function flowNodes(
  picture: Picture,
  options: { status?: ExecutionStatus; marks?: Marks; allHandles?: boolean; draggable?: boolean },
): FlowViewNode<CanvasNodeData>[] {
  const leaving = bySource(picture.edges);
  const holding = new Set(picture.nodes.map((node) => node.parent));
  const byId = new Map(picture.nodes.map((node) => [node.id, node]));
  const depth = (node: PictureNode): number => {
    let count = 0;
    for (let at: PictureNode | undefined = node; at?.parent && count <= byId.size; count += 1) {
      at = byId.get(at.parent);
    }
    return count;
  };
  return [...picture.nodes]
    .map((node) => ({ node, depth: depth(node) }))
    .sort((one, other) => one.depth - other.depth)
    .map(({ node }) => {
      const mark = options.marks?.nodes.get(node.id);
      const edges = leaving.get(node.id) ?? [];
      const handles = handlesOf(node, edges);
      const data: CanvasNodeData = {
        node,
        handles: options.allHandles && node.type !== 'end' ? [...new Set([...handles, ...node.outcomes])] : handles,
        status: options.status?.nodes[node.id],
        level: mark?.level,
        problems: mark?.count ?? 0,
        onPath: options.marks?.path.has(node.id) ?? false,
        container: holding.has(node.id) || holdsNodes(node.type),
      };
      return {
        id: node.id,
        type: NODE,
        position: { x: node.x, y: node.y },
        width: node.width,
        height: node.height,
        style: { width: node.width, height: node.height },
        data,
        draggable: options.draggable ?? false,
        ...(node.parent === null ? {} : { parentNode: node.parent }),
      };
    });
}

export function flowEdges(
  picture: Picture,
  options: { status?: ExecutionStatus; marks?: Marks },
): (FlowViewEdge<CanvasEdgeData> & { data: CanvasEdgeData })[] {
  const types = new Map(picture.nodes.map((node) => [node.id, node]));
  const leaving = bySource(picture.edges);
  const twins = new Map<string, number>();
  return picture.edges.map((edge) => {
    const source = types.get(edge.source);
    const siblings = leaving.get(edge.source) ?? [];
    const step = stepOf(edge.source, edge.target);
    const twin = twins.get(step) ?? 0;
    twins.set(step, twin + 1);
    const data: CanvasEdgeData = {
      edge,
      state: options.status && edgeState(edge, options.status.nodes),
      level: edge.key === null ? undefined : options.marks?.edges.get(edge.key),
      onPath: options.marks?.steps.has(step) ?? false,
      lane: [siblings.indexOf(edge), siblings.length],
      twin,
    };
    return {
      id: edge.id,
      source: edge.source,
      target: edge.target,
      sourceHandle: handleOf(edge, source?.outcomes ?? []),
      type: 'outcome',
      data,
    };
  });
}
