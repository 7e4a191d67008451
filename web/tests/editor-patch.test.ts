import { describe, expect, it } from 'vitest';
import type { Edit } from '../src/api/types';
import { type Document, openDocument } from '../src/editor/document';
import { KEYS } from './types';
import { begin, change, undo } from '../src/editor/history';
import { applyFix } from '../src/editor/patch';

function design(): Document {
  const found = openDocument({
    name: 'Sign',
    host: { 'a/b': 1, 'c~d': [1, 2] },
    nodes: [
      { id: 'start', type: 'start' },
      { id: 'both', type: 'join', data: { label: 'Both', mode: 'one' } },
      { id: 'end', type: 'end' },
    ],
    edges: [
      { source: 'start', target: 'both' },
      { source: 'both', target: 'end' },
    ],
  }, KEYS);
  if (found === null) throw new Error('cannot be edited');
  return found;
}

const fixed = (...edits: Edit[]) => applyFix(design(), edits)?.json;

describe('a fix', () => {
  it('adds to objects and lists', () => {
    expect(fixed({ op: 'add', pointer: '/edges/0/data', value: { loop: { max: 3 } } })).toMatchObject({
      edges: [{ source: 'start', target: 'both', data: { loop: { max: 3 } } }, {}],
    });
    const node = { id: 'all', type: 'join' };
    const ids = (json: unknown) => (json as { nodes: { id: string }[] }).nodes.map(({ id }) => id);
    expect(ids(fixed({ op: 'add', pointer: '/nodes/1', value: node }))).toEqual([
      'start',
      'all',
      'both',
      'end',
    ]);
    expect(ids(fixed({ op: 'add', pointer: '/nodes/-', value: node })).at(-1)).toBe('all');
    expect(ids(fixed({ op: 'add', pointer: '/nodes/3', value: node })).at(-1)).toBe('all');
  });

  it('replaces and takes away', () => {
    expect(fixed({ op: 'replace', pointer: '/nodes/1/data/mode', value: 'all' })).toMatchObject({
      nodes: [{}, { data: { label: 'Both', mode: 'all' } }, {}],
    });
    expect(fixed({ op: 'remove', pointer: '/nodes/1/data/mode' })).toHaveProperty('nodes.1.data', {
      label: 'Both',
    });
    expect(fixed({ op: 'remove', pointer: '/edges/0' })).toHaveProperty('edges', [
      { source: 'both', target: 'end' },
    ]);
    expect(fixed({ op: 'add', pointer: '/name', value: 'Signed' })).toHaveProperty('name', 'Signed');
  });

  it('moves, and renames a key where it stands', () => {
    const renamed = fixed({ op: 'move', from: '/nodes/1/data/label', pointer: '/nodes/1/data/title' });
    const [, node] = (renamed as { nodes: { data?: object }[] }).nodes;
    expect(Object.entries(node?.data ?? {})).toEqual([
      ['title', 'Both'],
      ['mode', 'one'],
    ]);
    expect(fixed({ op: 'move', from: '/edges/1', pointer: '/edges/0' })).toHaveProperty('edges', [
      { source: 'both', target: 'end' },
      { source: 'start', target: 'both' },
    ]);
    const out = fixed({ op: 'move', from: '/nodes/1/data/mode', pointer: '/nodes/1/mode' });
    expect(out).toHaveProperty('nodes.1', {
      id: 'both',
      type: 'join',
      data: { label: 'Both' },
      mode: 'one',
    });
  });

  it('is done in turn, by pointers with escapes', () => {
    expect(
      fixed(
        { op: 'replace', pointer: '/host/a~1b', value: 2 },
        { op: 'add', pointer: '/host/c~0d/0', value: 0 },
        { op: 'remove', pointer: '/host/c~0d/1' },
      ),
    ).toHaveProperty('host', { 'a/b': 2, 'c~d': [0, 2] });
    const own = fixed({ op: 'add', pointer: '/__proto__', value: 1 });
    expect(Object.entries(own ?? {}).at(-1)).toEqual(['__proto__', 1]);
  });

  it('is refused where it does not fit', () => {
    const wrong: Edit[] = [
      { op: 'replace', pointer: '/nodes/1/data/missing', value: 1 },
      { op: 'remove', pointer: '/nodes/7' },
      { op: 'add', pointer: '/nodes/4', value: {} },
      { op: 'add', pointer: '/nodes/01', value: {} },
      { op: 'add', pointer: '/nothing/there', value: 1 },
      { op: 'add', pointer: '/name/inside', value: 1 },
      { op: 'move', pointer: '/name' },
      { op: 'move', from: '/nothing', pointer: '/name' },
      { op: 'replace', pointer: '/name' },
      { op: 'remove', pointer: '' },
      // What is left cannot be edited here.
      { op: 'remove', pointer: '/nodes' },
    ];
    for (const edit of wrong) expect(fixed(edit), JSON.stringify(edit)).toBeUndefined();
  });

  it('leaves the document as it was, which undo brings back', () => {
    const before = design();
    const text = JSON.stringify(before.json);
    const after = applyFix(before, [{ op: 'replace', pointer: '/nodes/1/data/mode', value: 'all' }]);
    if (after === null) throw new Error('does not fit');
    expect(JSON.stringify(before.json)).toBe(text);
    expect(after.json.edges).toBe(before.json.edges);
    expect(undo(change(begin(before), after, null, 0)).present).toBe(before);
  });
});
