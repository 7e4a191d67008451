import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { edgesOf, NodeTypes, nodesOf, openDocument } from '../src/editor/document';
import { waysBack } from '../src/editor/loops';
import { Painter } from '../src/editor/picture';
import { KEYS, nodeType } from './types';

const info = (type: string, outcomes = ['default', 'error']) =>
  nodeType({ type, outcomes, container: type === 'foreach' });
const TYPES = new NodeTypes([
  info('start', ['default']),
  info('task'),
  info('approval', ['approved', 'rejected', 'timeout', 'returned']),
  info('foreach'),
], KEYS);

interface Drawn {
  handle?: string;
  max?: number;
  label?: string;
}

/** Nodes whose ids tell what they are: `s…` starts, `a…` approvals, `f…` containers; `f1.x` is in one. */
function design(edges: readonly (readonly [string, string, Drawn?])[], alone: readonly string[] = []) {
  const ids = [...new Set([...alone, ...edges.flatMap(([source, target]) => [source, target])])];
  const types: Record<string, string> = { s: 'start', a: 'approval', f: 'foreach' };
  const document = openDocument({
    nodes: ids.map((id) => {
      const own = id.split('.').at(-1) ?? id;
      const parentId = id.split('.').slice(0, -1).join('.');
      return { id, type: types[own.charAt(0)] ?? 'task', ...(parentId ? { parentId } : {}) };
    }),
    edges: edges.map(([source, target, { handle, max, label } = {}]) => ({
      source,
      target,
      sourceHandle: handle,
      label,
      ...(max === undefined ? {} : { data: { loop: { max } } }),
    })),
  }, KEYS);
  if (document === null) throw new Error('cannot be edited');
  return document;
}

const bounds = (...given: Parameters<typeof design>) => {
  const document = design(...given);
  return Object.fromEntries(waysBack(nodesOf(document, TYPES), edgesOf(document), KEYS.returns));
};

describe('edges that lead back', () => {
  it('say how often, or close a loop', () => {
    expect(bounds([['s', 'b'], ['b', 'c'], ['c', 'b'], ['c', 'd']])).toEqual({ 2: 10 });
    expect(bounds([['s', 'b'], ['b', 'c'], ['c', 'b', { max: 3 }]])).toEqual({ 2: 3 });
    expect(bounds([['s', 'b'], ['b', 'b']])).toEqual({ 1: 10 });
    expect(bounds([['s', 'b'], ['b', 'c'], ['s', 'c']])).toEqual({});
  });

  it('may share a header, and nest', () => {
    expect(
      bounds([['s', 'b'], ['b', 'c'], ['c', 'd'], ['d', 'c'], ['d', 'b'], ['c', 'b'], ['d', 'e']]),
    ).toEqual({ 3: 10, 4: 10, 5: 10 });
  });

  it('do not lead into the middle of a circle', () => {
    expect(bounds([['s', 'b'], ['s', 'c'], ['b', 'c'], ['c', 'b']])).toEqual({});
    // Once one of the two states a bound, the other does not lead round.
    expect(bounds([['s', 'b'], ['s', 'c'], ['b', 'c'], ['c', 'b', { max: 2 }]])).toEqual({ 3: 2 });
  });

  it('are found among all edges, those with a bound included', () => {
    expect(
      bounds([['s', 'b'], ['s', 'x'], ['b', 'c'], ['c', 'b'], ['x', 'c', { max: 2 }]]),
    ).toEqual({ 4: 2 });
    expect(bounds([['s', 'b'], ['b', 'c', { max: 2 }], ['c', 'd'], ['d', 'c']])).toEqual({
      1: 2,
      3: 10,
    });
    expect(bounds([['s', 'b'], ['b', 'c', { max: 2 }], ['c', 'b']])).toEqual({ 1: 2 });
  });

  it('are no others for approvals that return', () => {
    const returned = { handle: 'returned' };
    expect(bounds([['s', 'b'], ['b', 'a'], ['a', 'b', returned]])).toEqual({ 2: 10 });
    expect(
      bounds([['s', 'b'], ['s', 'c'], ['b', 'a'], ['c', 'a'], ['a', 'b', returned]]),
    ).toEqual({});
    expect(bounds([['s', 'a'], ['a', 'b', returned]])).toEqual({});
  });

  it('may stand in containers, which begin where nothing leads to', () => {
    expect(
      bounds([['s', 'f'], ['f.b', 'f.c'], ['f.c', 'f.d'], ['f.d', 'f.c'], ['f.d', 'b'], ['b', 'f.c']]),
    ).toEqual({ 3: 10 });
  });

  it('are inferred where there is exactly one start', () => {
    expect(bounds([['b', 'c'], ['c', 'd'], ['d', 'c']])).toEqual({});
    expect(bounds([['b', 'c'], ['c', 'd'], ['d', 'c', { max: 2 }]])).toEqual({ 2: 2 });
    expect(bounds([['s1', 'b'], ['s2', 'b'], ['b', 'c'], ['c', 'b']])).toEqual({});
    expect(bounds([['b', 'c'], ['c', 'b']], ['s'])).toEqual({});
    expect(bounds([['s', 'b'], ['b', 'c'], ['c', 'b'], ['x', 'c']])).toEqual({ 2: 10 });
    expect(bounds([])).toEqual({});
  });

  it('do not cross the border of a container', () => {
    expect(bounds([['s', 'f'], ['f.b', 's', { max: 2 }]])).toEqual({});
  });

  it('are found where the drawing is long', () => {
    const many = 5000;
    const line = Array.from({ length: many }, (_, index) => [`n${index}`, `n${index + 1}`] as const);
    expect(bounds([['s', 'n0'], ...line, [`n${many}`, 'n0']])).toEqual({ [many + 1]: 10 });
  });

  it('are those without whose target nothing leads to their source, in any drawing', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const nodes = ['s', ...Array.from({ length: 2 + random(7) }, (_, index) => `n${index}`)];
      const any = () => nodes[random(nodes.length)] ?? 's';
      const edges = Array.from({ length: nodes.length + random(8) }, () => [any(), any()] as const);
      const leads = (goal: string, without: string | null) => {
        const found = new Set(without === 's' ? [] : ['s']);
        for (const at of found) {
          for (const [source, target] of edges) {
            if (source === at && target !== without) found.add(target);
          }
        }
        return found.has(goal);
      };
      const expected = edges.flatMap(([source, target], index) =>
        leads(source, null) && !leads(source, target) ? [[index, 10]] : [],
      );
      expect(bounds(edges, nodes)).toEqual(Object.fromEntries(expected));
    }
  });

  it('are those of the compiler', () => {
    const written = readFileSync(new URL('back-edges.json', import.meta.url), 'utf8');
    const cases = JSON.parse(written) as { design: unknown; back: Record<string, number> }[];
    expect(cases.length).toBeGreaterThan(50);
    for (const { design: drawn, back } of cases) {
      const document = openDocument(drawn, KEYS);
      if (document === null) throw new Error('cannot be edited');
      const found = waysBack(nodesOf(document, TYPES), edgesOf(document), KEYS.returns);
      expect(Object.fromEntries(found), JSON.stringify(drawn)).toEqual(back);
    }
  });
});

it('draws them as such, with their bound', () => {
  const document = design([
    ['s', 'b'],
    ['b', 'a'],
    ['a', 'b', { handle: 'rejected' }],
    ['a', 'c'],
    ['c', 'b', { label: 'again', max: 2 }],
    ['c', 'b'],
  ]);
  const { edges } = new Painter(TYPES).paint(document, null);
  expect(edges.map(({ label, back }) => [label, back])).toEqual([
    [null, false],
    [null, false],
    ['rejected ≤ 10×', true],
    [null, false],
    ['again ≤ 2×', true],
    ['≤ 10×', true],
  ]);
});
