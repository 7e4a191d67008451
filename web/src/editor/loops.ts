/** Which edges of a design that is being edited lead back, as the compiler will see it. */

import type { DocumentEdge, DocumentNode } from './document';

/** How often a run may go back where nobody said so. */
export const USUAL_BOUND = 10;

/** The edges that lead back, by their places in the drawing, and how often each may be taken.
 *
 * An edge leads back if it says how often; if an approval returns by it to what came before; or if
 * it closes a loop: its target lies on every way from the start to its source.
 */
export function waysBack(
  nodes: readonly DocumentNode[],
  edges: readonly DocumentEdge[],
): Map<number, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const levelOf = (id: string) => {
    const parent = byId.get(id)?.parent ?? null;
    return parent !== null && parent !== id && byId.has(parent) ? parent : null;
  };
  const bounds = new Map<number, number>();
  const returning: DocumentEdge[] = [];
  const forward: DocumentEdge[] = [];
  for (const edge of edges) {
    if (!byId.has(edge.source) || !byId.has(edge.target)) continue;
    if (edge.loopMax !== null) bounds.set(edge.index, edge.loopMax);
    else if (levelOf(edge.source) !== levelOf(edge.target)) continue;
    else if (edge.handle === 'returned' && byId.get(edge.source)?.type === 'approval') {
      returning.push(edge);
    } else forward.push(edge);
  }
  const before = targetsOf(forward);
  const behind = new Map<string, ReadonlySet<string>>();
  const left = returning.filter((edge) => {
    const found = behind.get(edge.target) ?? reachedFrom(edge.target, before);
    behind.set(edge.target, found);
    if (found.has(edge.source)) bounds.set(edge.index, USUAL_BOUND);
    return !found.has(edge.source);
  });
  const rest = [...forward, ...left];
  for (const edge of closing(rootsOf(nodes, levelOf, rest), rest)) {
    bounds.set(edge.index, USUAL_BOUND);
  }
  return bounds;
}

/** Where runs begin, and the items of containers. */
function rootsOf(
  nodes: readonly DocumentNode[],
  levelOf: (id: string) => string | null,
  edges: readonly DocumentEdge[],
): string[] {
  const into = new Set(edges.flatMap(({ source, target }) => (source === target ? [] : [target])));
  const started = nodes.some((node) => node.type === 'start' && levelOf(node.id) === null);
  return nodes
    .filter((node) =>
      started && levelOf(node.id) === null ? node.type === 'start' : !into.has(node.id),
    )
    .map((node) => node.id);
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

function reachedFrom(begin: string, targets: ReadonlyMap<string, string[]>): Set<string> {
  const found = new Set([begin]);
  // A set is walked through with what is added on the way.
  for (const id of found) for (const next of targets.get(id) ?? []) found.add(next);
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
