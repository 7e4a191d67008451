/** Which edges of a design that is being edited are back edges: the same ones as for the compiler. */

import type { DocumentEdge, DocumentNode } from './document';

/** Find the back edges, by their places in the drawing, and how often a run may take each.
 *
 * `usual` is the bound of one that states none.
 *
 * A back edge states a bound, or closes a natural loop: its target dominates its source, that is,
 * lies on every path from the start to it. In a container, items start at the nodes to which only
 * edges with a bound lead. Edges with a bound count as edges where dominance is concerned.
 */
export function waysBack(
  nodes: readonly DocumentNode[],
  edges: readonly DocumentEdge[],
  usual: number,
): Map<number, number> {
  const bounds = new Map<number, number>();
  for (const level of levelsOf(nodes, edges)) {
    const unstated = level.edges.filter((edge) => edge.loopMax === null);
    for (const edge of level.edges) {
      if (edge.loopMax !== null) bounds.set(edge.index, edge.loopMax);
    }
    if (!isCyclic(level.nodes, unstated)) continue;
    for (const edge of closing(rootsOf(level, unstated), level.edges)) {
      if (edge.loopMax === null) bounds.set(edge.index, usual);
    }
  }
  return bounds;
}

/** The nodes outside of all containers, or those in one, and the edges between them. */
interface Level {
  container: string | null;
  nodes: DocumentNode[];
  edges: DocumentEdge[];
}

function levelsOf(nodes: readonly DocumentNode[], edges: readonly DocumentEdge[]): Level[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const containerOf = ({ id, parent }: DocumentNode) =>
    parent !== null && parent !== id && byId.has(parent) ? parent : null;
  const levels = new Map<string | null, Level>();
  for (const node of nodes) {
    const container = containerOf(node);
    const known = levels.get(container);
    if (known) known.nodes.push(node);
    else levels.set(container, { container, nodes: [node], edges: [] });
  }
  for (const edge of edges) {
    const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
    if (source === undefined || target === undefined) continue;
    const container = containerOf(source);
    if (container === containerOf(target)) levels.get(container)?.edges.push(edge);
  }
  return [...levels.values()];
}

/** The nodes at which a run starts, or an item of a container; none if it has several starts. */
function rootsOf({ container, nodes }: Level, unstated: readonly DocumentEdge[]): string[] {
  if (container === null) {
    const starts = nodes.filter((node) => node.type === 'start');
    return starts.length === 1 ? starts.map((node) => node.id) : [];
  }
  const into = new Set(unstated.map((edge) => edge.target));
  return nodes.filter((node) => !into.has(node.id)).map((node) => node.id);
}

/** Whether some of these edges form a cycle. */
function isCyclic(nodes: readonly DocumentNode[], edges: readonly DocumentEdge[]): boolean {
  const targets = targetsOf(edges);
  const open = new Map(nodes.map((node) => [node.id, 0]));
  for (const { target } of edges) open.set(target, (open.get(target) ?? 0) + 1);
  const free = [...open].flatMap(([id, count]) => (count === 0 ? [id] : []));
  // The list grows while it is walked through.
  for (const id of free) {
    for (const target of targets.get(id) ?? []) {
      const left = (open.get(target) ?? 0) - 1;
      open.set(target, left);
      if (left === 0) free.push(target);
    }
  }
  return free.length < open.size;
}

function targetsOf(edges: readonly DocumentEdge[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { source, target } of edges) {
    const known = found.get(source);
    if (known) known.push(target);
    else found.set(source, [target]);
  }
  return found;
}

/** The edges whose target dominates their source.
 *
 * Dominators after Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm" (2001).
 */
function closing(roots: readonly string[], edges: readonly DocumentEdge[]): DocumentEdge[] {
  const order = orderFrom(roots, targetsOf(edges));
  const place = new Map(order.map((id, index) => [id, index + 1]));
  // Place 0 is above all roots; a node that nothing leads to has no place.
  const sources: number[][] = order.map(() => []);
  for (const root of roots) sources[(place.get(root) ?? 0) - 1]?.push(0);
  for (const { source, target } of edges) {
    const [from, to] = [place.get(source), place.get(target)];
    if (from !== undefined && to !== undefined) sources[to - 1]?.push(from);
  }
  const above: (number | undefined)[] = [0];
  const up = (at: number) => above[at] ?? 0;
  const meet = (one: number, other: number): number => {
    let [a, b] = [one, other];
    while (a !== b) {
      if (a > b) a = up(a);
      else b = up(b);
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const [index, from] of sources.entries()) {
      const next = from.filter((one) => above[one] !== undefined).reduce(meet);
      if (above[index + 1] === next) continue;
      above[index + 1] = next;
      changed = true;
    }
  }
  return edges.filter(({ source, target }) => {
    const [from, to] = [place.get(source), place.get(target)];
    if (from === undefined || to === undefined) return false;
    let at = from;
    while (at > to) at = up(at);
    return at === to;
  });
}

/** What roots lead to, each node before what it leads to unless that leads back to it. */
function orderFrom(roots: readonly string[], targets: ReadonlyMap<string, string[]>): string[] {
  const seen = new Set<string>();
  const done: string[] = [];
  const stack: { id: string; next: number }[] = [];
  const enter = (id: string) => {
    if (seen.has(id)) return;
    seen.add(id);
    stack.push({ id, next: 0 });
  };
  for (const root of roots) {
    enter(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const target = targets.get(top.id)?.[top.next];
      top.next += 1;
      if (target !== undefined) enter(target);
      else done.push(stack.pop()?.id ?? top.id);
    }
  }
  return done.reverse();
}
