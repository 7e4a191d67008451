/** The picture of a design that is being edited: the user's own positions, even while it is wrong. */

import type { Picture, PictureEdge, PictureNode } from '../api/types';
import { holdsNodes } from '../canvas/kinds';
import {
  type Document,
  type DocumentEdge,
  type DocumentNode,
  edgesOf,
  nameOf,
  type NodeTypes,
  nodesOf,
} from './document';
import { waysBack } from './loops';

interface Point {
  x: number;
  y: number;
}

const NARROWEST = 160;
const WIDEST = 260;
/** The room of a node's icon and of its borders. */
const AROUND_TEXT = 64;
const HEIGHT = 48;
/** Between two handles, so that each can be hit. */
const HANDLE = 17;
const COLUMN = WIDEST + 60;
const ROW = 110;
const HEAD = 40;
const PADDING = 24;
const WIDE_CHARACTER = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uff60\uffe0-\uffe6]/;

/** A width for a label, in pixels. */
function widthFor(label: string): number {
  const most = [...label.slice(0, 60)];
  const text = most.reduce((sum, one) => sum + (WIDE_CHARACTER.test(one) ? 13 : 7.2), 0);
  return Math.round(Math.min(WIDEST, Math.max(NARROWEST, text + AROUND_TEXT)));
}

/** Makes one picture after the other; nodes that have not changed are the same objects again. */
export class Painter {
  private before = new Map<string, PictureNode>();

  constructor(private readonly types: NodeTypes) {}

  /** `drawn`: the service's picture of it, for nodes that have no position of their own. */
  paint(document: Document, drawn: Picture | null): Picture {
    const known = new Map(drawn?.nodes.map((node) => [node.id, node]));
    const found = nodesOf(document, this.types);
    const edges = edgesOf(document);
    const ids = new Set(found.map((one) => one.id));
    const holding = new Set(found.map((one) => one.parent));
    const lacking = found.some((one) => one.position === null && !known.has(one.id));
    const rough = lacking ? columns(found, edges) : new Map<string, Point>();
    const nodes = found.map((one): PictureNode => {
      const place = one.position ?? known.get(one.id) ?? rough.get(one.id) ?? { x: 0, y: 0 };
      const inside = one.parent !== null && ids.has(one.parent) && one.parent !== one.id;
      const container = holdsNodes(one.type) || holding.has(one.id);
      const label = one.label || one.id;
      const outcomes = this.types.get(one.type)?.outcomes ?? ['default'];
      return {
        id: one.id,
        type: one.type,
        label,
        x: place.x,
        y: place.y,
        width: (container ? one.size?.width : undefined) ?? widthFor(label),
        height: (container ? one.size?.height : undefined) ?? Math.max(HEIGHT, outcomes.length * HANDLE),
        parent: inside ? one.parent : null,
        config: one.config,
        outcomes,
      };
    });
    untangle(nodes);
    grow(nodes);
    const kept = nodes.map((node) => {
      const before = this.before.get(node.id);
      return before !== undefined && alike(before, node) ? before : node;
    });
    this.before = new Map(kept.map((node) => [node.id, node]));
    return {
      id: 'edited',
      name: nameOf(document),
      width: 0,
      height: 0,
      nodes: kept,
      edges: edgesPicture(edges, ids, waysBack(found, edges, document.keys.returns)),
    };
  }
}

function alike(one: PictureNode, other: PictureNode): boolean {
  return (Object.keys(other) as (keyof PictureNode)[]).every((key) => one[key] === other[key]);
}

/** `bounds`: how often each edge that leads back may be taken. */
function edgesPicture(
  edges: readonly DocumentEdge[],
  ids: ReadonlySet<string>,
  bounds: ReadonlyMap<number, number>,
): PictureEdge[] {
  return edges
    .filter((one) => ids.has(one.source) && ids.has(one.target))
    .map((one): PictureEdge => {
      const bound = bounds.get(one.index);
      const named = one.handle === 'default' ? '' : (one.handle ?? '');
      const label = one.label || one.when || (one.isDefault ? 'otherwise' : named);
      return {
        id: `edge-${one.index}`,
        key: one.key,
        source: one.source,
        target: one.target,
        handle: one.handle,
        outcome: null,
        label: bound === undefined ? label || null : `${label} ≤ ${bound}×`.trim(),
        back: bound !== undefined,
        error: one.handle === 'error',
        drawn: true,
        leaving: { by: one.handle ?? 'default', always: false, ruled: false },
      };
    });
}

/** Places for nodes of a design that the service cannot draw yet: by how far from a beginning they
 * are, within what they stand in.
 */
function columns(nodes: readonly DocumentNode[], edges: readonly DocumentEdge[]): Map<string, Point> {
  const into = new Set(edges.map((edge) => edge.target));
  const out = new Map<string, string[]>();
  for (const { source, target } of edges) {
    const known = out.get(source);
    if (known) known.push(target);
    else out.set(source, [target]);
  }
  const depths = new Map<string, number>();
  const reach = (begin: string) => {
    if (depths.has(begin)) return;
    depths.set(begin, 0);
    for (let front = [begin], depth = 1; front.length; depth += 1) {
      const next = front.flatMap((id) => out.get(id) ?? []).filter((id) => !depths.has(id));
      front = [...new Set(next)];
      for (const id of front) depths.set(id, depth);
    }
  };
  for (const { id } of nodes) if (!into.has(id)) reach(id);
  for (const { id } of nodes) reach(id);
  const rows = new Map<string, number>();
  return new Map(
    nodes.map(({ id, parent }): [string, Point] => {
      const depth = depths.get(id) ?? 0;
      const cell = JSON.stringify([parent, depth]);
      const row = rows.get(cell) ?? 0;
      rows.set(cell, row + 1);
      const [left, top] = parent === null ? [0, 0] : [PADDING, HEAD + PADDING / 2];
      return [id, { x: left + depth * COLUMN, y: top + row * ROW }];
    }),
  );
}

/** Nodes that stand in each other in a circle are drawn outside of all. */
function untangle(nodes: PictureNode[]): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) {
    const seen = new Set([node.id]);
    for (let at = node; at.parent !== null; ) {
      if (seen.has(at.parent)) {
        at.parent = null;
        break;
      }
      seen.add(at.parent);
      const next = byId.get(at.parent);
      if (next === undefined) break;
      at = next;
    }
  }
}

/** Make containers as large as what they hold asks for, the inner ones first. */
function grow(nodes: PictureNode[]): void {
  const inside = new Map<string, PictureNode[]>();
  for (const node of nodes) {
    if (node.parent === null) continue;
    const held = inside.get(node.parent);
    if (held) held.push(node);
    else inside.set(node.parent, [node]);
  }
  const done = new Set<string>();
  const size = (node: PictureNode) => {
    if (done.has(node.id)) return;
    done.add(node.id);
    const held = inside.get(node.id) ?? [];
    for (const one of held) size(one);
    if (!holdsNodes(node.type) && held.length === 0) return;
    const wide = held.map((one) => one.x + one.width + PADDING);
    const high = held.map((one) => one.y + one.height + PADDING);
    node.width = Math.max(node.width, NARROWEST + 2 * PADDING, ...wide);
    node.height = Math.max(node.height, HEAD + HEIGHT + PADDING, ...high);
  };
  for (const node of nodes) size(node);
}

/** Where a node is on the whole canvas. */
export function absolute(picture: Picture, id: string): { x: number; y: number } {
  const byId = new Map(picture.nodes.map((node) => [node.id, node]));
  let [x, y] = [0, 0];
  for (let node = byId.get(id); node; node = byId.get(node.parent ?? '')) {
    x += node.x;
    y += node.y;
    if (node.parent === null) break;
  }
  return { x, y };
}

/** Whether a node is another, or somewhere inside of it. */
export function isWithin(picture: Picture, id: string | null, outer: string): boolean {
  const parents = new Map(picture.nodes.map((node) => [node.id, node.parent]));
  for (let at = id; at !== null; at = parents.get(at) ?? null) {
    if (at === outer) return true;
  }
  return false;
}

/** The innermost container at a place, other than a node and what is inside of it. */
export function containerAt(
  picture: Picture,
  at: { x: number; y: number },
  moving?: string,
): string | null {
  const found = picture.nodes
    .filter((node) => holdsNodes(node.type))
    .filter((node) => moving === undefined || !isWithin(picture, node.id, moving))
    .filter((node) => {
      const { x, y } = absolute(picture, node.id);
      return at.x >= x && at.x <= x + node.width && at.y >= y && at.y <= y + node.height;
    })
    .sort((one, other) => one.width * one.height - other.width * other.height);
  return found[0]?.id ?? null;
}
