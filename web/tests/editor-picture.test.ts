import { describe, expect, it } from 'vitest';
import type { Picture } from '../src/api/types';
import { NodeTypes, openDocument } from '../src/editor/document';
import { moveNode, setLabel } from '../src/editor/edits';
import { isExact } from '../src/editor/json';
import { absolute, containerAt, Painter } from '../src/editor/picture';
import { KEYS, nodeType } from './types';

const info = (type: string, outcomes: string[]) =>
  nodeType({ type, outcomes, container: type === 'foreach' });
const TYPES = new NodeTypes([
  info('task', ['default', 'error']),
  info('approval', ['approved', 'rejected', 'timeout', 'returned']),
  info('foreach', ['default', 'error']),
], KEYS);

const NESTED = {
  name: 'Nested',
  nodes: [
    { id: 'outer', type: 'foreach', position: { x: 100, y: 100 } },
    { id: 'inner', type: 'foreach', parentId: 'outer', position: { x: 50, y: 60 } },
    { id: 'leaf', type: 'task', parentId: 'inner', position: { x: 300, y: 200 } },
    { id: 'free', type: 'task', position: { x: 2000, y: 0 } },
  ],
  edges: [{ source: 'outer', target: 'free' }, { source: 'gone', target: 'free' }],
};

function paint(json: unknown, drawn: Picture | null = null) {
  const document = openDocument(json, KEYS);
  if (document === null) throw new Error('cannot be edited');
  const painter = new Painter(TYPES);
  return { document, painter, picture: painter.paint(document, drawn) };
}

describe('the picture of a design that is edited', () => {
  it('has containers that hold what is in them', () => {
    const { picture } = paint(NESTED);
    const [outer, inner, leaf] = picture.nodes;
    expect(inner?.width).toBeGreaterThan(300 + (leaf?.width ?? 0));
    expect(outer?.width).toBeGreaterThan(50 + (inner?.width ?? 0));
    expect(outer?.height).toBeGreaterThan(60 + (inner?.height ?? 0));
    expect(absolute(picture, 'leaf')).toEqual({ x: 450, y: 360 });
  });

  it('knows the innermost container at a place', () => {
    const { picture } = paint(NESTED);
    expect(containerAt(picture, { x: 460, y: 370 })).toBe('inner');
    expect(containerAt(picture, { x: 105, y: 105 })).toBe('outer');
    expect(containerAt(picture, { x: 2010, y: 5 })).toBeNull();
    expect(containerAt(picture, { x: 460, y: 370 }, 'outer')).toBeNull();
    expect(containerAt(picture, { x: 460, y: 370 }, 'inner')).toBe('outer');
  });

  it('leaves out edges to what is not there', () => {
    expect(paint(NESTED).picture.edges.map((edge) => edge.id)).toEqual(['edge-0']);
  });

  it('keeps what an edit does not touch as it was', () => {
    const { document, painter, picture } = paint(NESTED);
    const after = painter.paint(setLabel(document, 'free', 'Free'), null);
    expect(after.nodes.slice(0, 3).every((node, index) => node === picture.nodes[index])).toBe(true);
    expect(after.nodes[3]).toMatchObject({ label: 'Free' });
    const moved = painter.paint(moveNode(document, 'leaf', { x: 900, y: 200 }), null);
    expect(moved.nodes[0]?.width).toBeGreaterThan(picture.nodes[0]?.width ?? Infinity);
  });

  it('takes places from the service only where there are none', () => {
    const drawn = paint(NESTED).picture;
    const elsewhere = { ...drawn, nodes: drawn.nodes.map((node) => ({ ...node, x: 7, y: 7 })) };
    const { picture } = paint(
      { nodes: [NESTED.nodes[0], { id: 'free', type: 'task' }], edges: [] },
      elsewhere,
    );
    expect(picture.nodes.map(({ x, y }) => [x, y])).toEqual([
      [100, 100],
      [7, 7],
    ]);
  });

  it('puts what nobody has placed beside and below each other', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const { picture } = paint({
      nodes: ids.map((id) => ({ id, type: 'task' })),
      edges: [
        { source: 'a', target: 'b' },
        { source: 'a', target: 'c' },
        { source: 'c', target: 'd' },
        { source: 'd', target: 'c' },
      ],
    });
    const [a, b, c, d] = picture.nodes;
    expect(new Set(picture.nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(4);
    expect([a?.x, b?.x, c?.x, d?.x]).toEqual([0, b?.x, b?.x, 2 * (b?.x ?? 0)]);
  });

  it('ends for nodes that stand in each other in a circle', () => {
    const { picture } = paint({
      nodes: [
        { id: 'a', type: 'foreach', parentId: 'b' },
        { id: 'b', type: 'foreach', parentId: 'a' },
        { id: 'c', type: 'task', parentId: 'a' },
        { id: 'd', type: 'task', parentId: 'd' },
      ],
    });
    expect(picture.nodes.filter((node) => node.parent === null).length).toBeGreaterThan(1);
    expect(Number.isFinite(absolute(picture, 'c').x)).toBe(true);
  });

  it('has room for each handle', () => {
    const { picture } = paint({ nodes: [{ id: 'a', type: 'approval' }, { id: 'b', type: 'task' }] });
    expect(picture.nodes[0]?.height).toBeGreaterThan(picture.nodes[1]?.height ?? Infinity);
  });
});

describe('numbers', () => {
  it('are exact up to 2⁵³', () => {
    expect(isExact({ a: [1, 2.5, -9007199254740991] })).toBe(true);
    expect(isExact(JSON.parse('{"a": [{"id": 1234567890123456789}]}'))).toBe(false);
  });
});
