import { describe, expect, it } from 'vitest';
import {
  configPointer,
  type Document,
  edgesOf,
  emptyDocument,
  nameOf,
  nodesOf,
  NodeTypes,
  openDocument,
} from '../src/editor/document';
import {
  addNode,
  connect,
  moveNode,
  removeEdge,
  removeNodes,
  setConfig,
  setEdge,
  setId,
  setLabel,
  setName,
  setParent,
} from '../src/editor/edits';
import { withAt } from '../src/editor/json';
import { KEYS, nodeType } from './types';

const info = (type: string, outcomes: string[], keys: string[], aliases: string[] = []) =>
  nodeType({
    type,
    aliases,
    outcomes,
    rules: type === 'condition',
    container: type === 'foreach',
    config: { type: 'object', properties: Object.fromEntries(keys.map((key) => [key, {}])) },
  });

const TYPES = new NodeTypes([
  info('start', ['default'], ['trigger', 'input']),
  info('task', ['default', 'error'], ['handler', 'input', 'timeout'], ['action']),
  info('approval', ['approved', 'rejected'], ['approverType', 'rejectTo']),
  info('notify', ['default', 'error'], ['to', 'content']),
  info('condition', ['default'], []),
  info('foreach', ['default', 'error'], ['items']),
  info('end', [], ['status']),
], KEYS);

/** As a host's canvas saves it, with what only that host understands. */
const HOSTED = `{"version":"7","x-host":{"b":[1,{"c":null}],"a":2},"nodes":[{"id":"start","type":"start","selected":true,"position":{"x":0.5,"y":-3,"z":9},"data":{}},{"zIndex":4,"id":"pay","type":"custom","position":{"x":100,"y":20},"positionAbsolute":{"x":100,"y":20},"data":{"type":"action","title":"Pay","handler":"pay","logo":"a.png","timeout":null}},{"id":"each","type":"foreach","position":{"x":300,"y":0},"style":{"width":400,"height":200},"data":{"config":{"items":"event.data.lines"}}},{"id":"end","type":"end","config":{"status":"done"},"label":"End","position":{"x":900,"y":0}}],"viewport":{"x":0,"y":0,"zoom":1},"edges":[{"id":"e1","source":"start","target":"pay","markerEnd":{"type":"arrow"}},{"id":"e2","source":"pay","target":"end","sourceHandle":"error","data":{"colour":"red","loop":{"max":2}}}],"name":"Hosted"}`;

const opened = (json: unknown): Document => {
  const found = openDocument(json, KEYS);
  if (found === null) throw new Error('cannot be edited');
  return found;
};
const hosted = () => opened(JSON.parse(HOSTED));
const nodeOf = (document: Document, id: string) =>
  nodesOf(document, TYPES).find((node) => node.id === id);
/** The JSON of a document, parsed anew, so that comparing it sees plain values. */
const plain = (document: Document) => JSON.parse(JSON.stringify(document.json));

describe('what is not edited', () => {
  it('stays the same to the last character', () => {
    const document = hosted();
    nodesOf(document, TYPES);
    edgesOf(document);
    expect(JSON.stringify(document.json)).toBe(HOSTED);
  });

  it('stays the same beside each kind of edit', () => {
    const edits: [(document: Document) => Document, (expected: any) => void][] = [
      [(d) => setLabel(d, 'pay', 'Pay!'), (e) => (e.nodes[1].data.title = 'Pay!')],
      [(d) => setLabel(d, 'end', 'Fin'), (e) => (e.nodes[3].label = 'Fin')],
      [(d) => setLabel(d, 'each', 'Each'), (e) => (e.nodes[2].data.label = 'Each')],
      [
        (d) => moveNode(d, 'pay', { x: 110.4, y: 30 }),
        (e) => {
          e.nodes[1].position = { x: 110, y: 30 };
          e.nodes[1].positionAbsolute = { x: 110, y: 30 };
        },
      ],
      [(d) => moveNode(d, 'start', { x: 1, y: 1 }), (e) => (e.nodes[0].position = { x: 1, y: 1, z: 9 })],
      [
        (d) => setConfig(d, 'pay', { handler: 'refund' }, TYPES),
        (e) => {
          e.nodes[1].data.handler = 'refund';
          delete e.nodes[1].data.timeout;
        },
      ],
      [
        (d) => setConfig(d, 'each', { items: 'x', as: 'one' }, TYPES),
        (e) => (e.nodes[2].data.config = { items: 'x', as: 'one' }),
      ],
      [(d) => setConfig(d, 'end', { status: 'ok' }, TYPES), (e) => (e.nodes[3].config.status = 'ok')],
      [(d) => setEdge(d, 1, { when: 'true' }), (e) => (e.edges[1].data.when = 'true')],
      [(d) => setEdge(d, 1, { loopMax: null }), (e) => delete e.edges[1].data.loop],
      [(d) => setEdge(d, 0, { isDefault: true }), (e) => (e.edges[0].data = { default: true })],
      [(d) => setEdge(d, 1, { handle: null }), (e) => delete e.edges[1].sourceHandle],
      [(d) => removeEdge(d, 0), (e) => e.edges.shift()],
      [(d) => setName(d, 'Other'), (e) => (e.name = 'Other')],
    ];
    for (const [edit, expect_] of edits) {
      const expected = JSON.parse(HOSTED);
      expect_(expected);
      const before = hosted();
      const after = edit(before);
      expect(plain(after)).toEqual(expected);
      expect(JSON.stringify(before.json)).toBe(HOSTED);
    }
  });

  it('keeps the order of keys', () => {
    const after = setLabel(moveNode(hosted(), 'pay', { x: 5, y: 5 }), 'pay', 'New');
    expect(Object.keys(after.json)).toEqual(Object.keys(JSON.parse(HOSTED)));
    const node = plain(after).nodes[1];
    expect(Object.keys(node)).toEqual(Object.keys(JSON.parse(HOSTED).nodes[1]));
  });

  it('is the same document when an edit changes nothing', () => {
    const document = hosted();
    expect(setLabel(document, 'pay', 'Pay')).toBe(document);
    expect(moveNode(document, 'pay', { x: 100.2, y: 20 })).toBe(document);
    expect(setName(document, 'Hosted')).toBe(document);
    expect(setConfig(document, 'each', { items: 'event.data.lines' }, TYPES)).toBe(document);
    expect(setEdge(document, 0, { when: '', loopMax: null })).toBe(document);
    expect(removeNodes(document, ['nobody'])).toBe(document);
    expect(setId(document, 'pay', 'end', TYPES)).toBe(document);
  });
});

describe('shapes', () => {
  const graph = { nodes: [{ id: 'a', type: 'task' }], edges: [] };

  it.each([
    ['data', { data: graph }],
    ['graph', { name: 'x', graph }],
    ['workflow.graph', { workflow: { id: 1, graph } }],
    ['data.design', { data: { design: graph } }],
  ])('finds the graph below %s, and edits it there', (where, json) => {
    const document = opened(JSON.parse(JSON.stringify(json)));
    expect(document.graph.join('.')).toBe(where);
    const after = plain(setLabel(document, 'a', 'A'));
    const below = where.split('.').reduce((value, key) => value[key], after);
    expect(below.nodes).toEqual([{ id: 'a', type: 'task', data: { label: 'A' } }]);
  });

  it('edits maps by id, also when there are no edges yet', () => {
    const document = opened({ flattenNodes: { a: { type: 'task' }, b: { id: 'b', type: 'end' } } });
    expect(nodesOf(document, TYPES).map((node) => node.id)).toEqual(['a', 'b']);
    const after = setId(connect(document, 'a', null, 'b'), 'a', 'c', TYPES);
    expect(plain(after)).toEqual({
      flattenNodes: { c: { type: 'task', id: 'c' }, b: { id: 'b', type: 'end' } },
      flattenEdges: { 'a-b': { id: 'a-b', source: 'c', target: 'b' } },
    });
    expect(Object.keys(plain(after).flattenNodes)).toEqual(['c', 'b']);
    expect(plain(removeNodes(after, ['c']))).toEqual({
      flattenNodes: { b: { id: 'b', type: 'end' } },
      flattenEdges: {},
    });
  });

  it.each([
    ['no object', [graph]],
    ['a row of a table', { code: 'x', tenant_id: 1, nodes: graph }],
    ['one list of elements', { elements: [{ id: 'a' }] }],
    ['nodes that are a text', { nodes: '[]', edges: [] }],
    ['nothing', null],
  ])('does not edit %s', (_, json) => {
    expect(openDocument(json, KEYS)).toBeNull();
  });

  it.each(KEYS.graphs.map((path) => [path.join('.'), path] as const))(
    'finds the graph at %s, beside other objects',
    (_, path) => {
      const json = withAt({ config: { a: 1 }, data: { total: 1 } }, path, graph);
      expect(openDocument(json, KEYS)?.graph).toEqual(path);
    },
  );

  it.each(KEYS.types.map((path) => [path.join('.'), path] as const))('reads a type at %s', (_, path) => {
    const node = withAt({ id: 'a', type: 'custom', data: { label: 'A' } }, path, 'action');
    expect(nodeOf(opened({ nodes: [node] }), 'a')?.type).toBe('task');
  });

  it.each(KEYS.labels.map((path) => [path.join('.'), path] as const))('reads a label at %s', (_, path) => {
    const document = opened({ nodes: [withAt({ id: 'a', type: 'task' }, path, 'Pay')] });
    expect(nodeOf(document, 'a')?.label).toBe('Pay');
    expect(plain(setLabel(document, 'a', 'Paid')).nodes[0]).toEqual(
      withAt({ id: 'a', type: 'task' }, path, 'Paid'),
    );
  });

  it.each(KEYS.parents)('reads a container at %s', (key) => {
    const document = opened({ nodes: [{ id: 'f', type: 'foreach' }, { id: 'a', [key]: 'f' }] });
    expect(nodeOf(document, 'a')?.parent).toBe('f');
  });

  it('reads config wherever it stands', () => {
    const configs = [
      { config: { handler: 'h' } },
      { data: { config: { handler: 'h' } } },
      { data: { content: { handler: 'h' } } },
      { data: { handler: 'h', logo: 'x' } },
    ];
    const document = opened({
      nodes: configs.map((one, index) => ({ id: index, type: 'task', ...one })),
    });
    expect(nodesOf(document, TYPES).map((node) => node.config)).toEqual(
      configs.map(() => ({ handler: 'h' })),
    );
    expect(configs.map((_, index) => configPointer(document, String(index), TYPES))).toEqual([
      '/nodes/0/config',
      '/nodes/1/data/config',
      '/nodes/2/data/content',
      '/nodes/3/data',
    ]);
  });

  it('takes the content of a message for a setting of it', () => {
    const document = opened({
      nodes: [{ id: 'n', type: 'notify', data: { to: 'ann', content: { text: 'hello' } } }],
    });
    expect(nodeOf(document, 'n')?.config).toEqual({ to: 'ann', content: { text: 'hello' } });
  });
});

describe('nodes', () => {
  it('get ids that nobody has', () => {
    let document = hosted();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const [next, id] = addNode(document, 'task', 'Task', { x: 1.4, y: 2.6 });
      document = next;
      ids.push(id);
    }
    expect(ids).toEqual(['task', 'task_2', 'task_3']);
    expect(plain(document).nodes.at(-1)).toEqual({
      id: 'task_3',
      type: 'task',
      position: { x: 1, y: 3 },
      data: { label: 'Task', config: {} },
    });
  });

  it('are renamed in edges, in what they hold and in ways back', () => {
    const document = opened({
      nodes: [
        { id: 'each', type: 'foreach', position: { x: 0, y: 0 } },
        { id: 'in', type: 'task', parentId: 'each' },
        { id: 'old', type: 'task', parentNode: 'each' },
        { id: 'ask', type: 'approval', data: { approverType: 'user', rejectTo: 'each' } },
      ],
      edges: [
        { source: 'each', target: 'ask' },
        { source: 'ask', target: 'each' },
      ],
    });
    const after = plain(setId(document, 'each', 'lines', TYPES));
    expect(JSON.stringify(after)).not.toContain('"each"');
    expect(after.nodes[3].data.rejectTo).toBe('lines');
    expect(after.edges).toEqual([
      { source: 'lines', target: 'ask' },
      { source: 'ask', target: 'lines' },
    ]);
  });

  it('go with what is in them and with their edges', () => {
    const document = opened({
      nodes: [
        { id: 'a', type: 'foreach' },
        { id: 'b', type: 'foreach', parentId: 'a' },
        { id: 'c', type: 'task', parentId: 'b' },
        { id: 'd', type: 'task' },
      ],
      edges: [
        { source: 'c', target: 'd' },
        { source: 'd', target: 'a' },
        { source: 'd', target: 'd' },
      ],
    });
    expect(plain(removeNodes(document, ['a']))).toEqual({
      nodes: [{ id: 'd', type: 'task' }],
      edges: [{ source: 'd', target: 'd' }],
    });
  });

  it('are put into a container, behind it, and out again', () => {
    const document = opened({
      nodes: [
        { id: 'one', type: 'task', position: { x: 1, y: 1 }, extent: 'parent', note: 'kept' },
        { id: 'two', type: 'task' },
        { id: 'each', type: 'foreach' },
      ],
    });
    const inside = setParent(document, 'one', 'each', { x: 24, y: 52 });
    expect(plain(inside).nodes.map((node: { id: string }) => node.id)).toEqual(['two', 'each', 'one']);
    expect(nodeOf(inside, 'one')).toMatchObject({ parent: 'each', position: { x: 24, y: 52 } });
    const outside = setParent(inside, 'one', null, { x: 7, y: 8 });
    expect(plain(outside).nodes[2]).toEqual({
      id: 'one',
      type: 'task',
      position: { x: 7, y: 8 },
      note: 'kept',
    });
    expect(setParent(document, 'each', 'each', { x: 0, y: 0 })).toBe(document);
  });

  it('say `parentNode` where the drawing does', () => {
    const document = opened({
      nodes: [
        { id: 'each', type: 'foreach' },
        { id: 'in', type: 'task', parentNode: 'each' },
        { id: 'out', type: 'task' },
      ],
    });
    const after = setParent(document, 'out', 'each', { x: 0, y: 0 });
    expect(plain(after).nodes[2].parentNode).toBe('each');
    expect(plain(addNode(after, 'task', '', { x: 0, y: 0 }, 'each')[0]).nodes[3].parentNode).toBe('each');
  });

  it('keep the place of an emptied label', () => {
    const emptied = setLabel(hosted(), 'end', '');
    expect(nodeOf(emptied, 'end')?.label).toBe('');
    const again = plain(setLabel(emptied, 'end', 'X'));
    expect(again.nodes[3].label).toBe('X');
    expect(again.nodes[3].data).toBeUndefined();
  });
});

describe('edges', () => {
  it('are there once', () => {
    const once = connect(hosted(), 'pay', 'error', 'start');
    expect(connect(once, 'pay', 'error', 'start')).toBe(once);
    expect(plain(once).edges[2]).toEqual({
      id: 'pay-error-start',
      source: 'pay',
      target: 'start',
      sourceHandle: 'error',
    });
    expect(connect(once, 'pay', null, 'start')).not.toBe(once);
  });

  it('are called what diagnostics call them', () => {
    const document = opened({
      nodes: [],
      edges: [{ source: 'a', target: 'b' }, { id: 7, source: 'b', target: 'c' }, { source: 'c' }],
    });
    expect(edgesOf(document).map((edge) => edge.key)).toEqual(['a → b', '7']);
  });
});

describe('hostile drawings', () => {
  const JSON_TEXT =
    '{"__proto__":{"polluted":1},"nodes":[{"id":"__proto__","type":"constructor","data":{"label":"<img src=x onerror=alert(1)>","__proto__":{"polluted":2}}},{"id":"constructor","type":"task","parentId":"__proto__"}],"edges":[{"id":"toString","source":"__proto__","target":"constructor"}]}';

  it('keep keys like `__proto__` and change nothing else', () => {
    const document = opened(JSON.parse(JSON_TEXT));
    const moved = moveNode(document, '__proto__', { x: 1, y: 2 });
    const label = nodeOf(moved, '__proto__')?.label;
    expect(label).toBe('<img src=x onerror=alert(1)>');
    const text = JSON.stringify(setLabel(moved, '__proto__', 'x').json);
    expect(text).toContain('{"__proto__":{"polluted":1}');
    expect(text).toContain('"__proto__":{"polluted":2}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('are renamed, connected and emptied like others', () => {
    const document = opened(JSON.parse(JSON_TEXT));
    const renamed = setId(document, 'constructor', 'valueOf', TYPES);
    expect(edgesOf(renamed)[0]).toMatchObject({ source: '__proto__', target: 'valueOf' });
    const [added] = addNode(renamed, '__proto__', '', { x: 0, y: 0 });
    expect(nodesOf(added, TYPES).map((node) => node.id)).toEqual(['__proto__', 'valueOf', '__proto___2']);
    expect(plain(removeNodes(added, ['__proto__'])).nodes).toHaveLength(1);
  });

  it('may hold what are no nodes', () => {
    const document = opened({ nodes: [null, 3, 'x', [], { id: {} }, { id: 'a' }, { id: 'a' }], edges: [null, {}] });
    expect(nodesOf(document, TYPES).map((node) => node.id)).toEqual(['a']);
    expect(edgesOf(document)).toEqual([]);
    expect(plain(setLabel(document, 'a', 'A')).nodes.slice(0, 5)).toEqual([null, 3, 'x', [], { id: {} }]);
  });

  it('may stand in each other in a circle', () => {
    const document = opened({
      nodes: [
        { id: 'a', type: 'foreach', parentId: 'b' },
        { id: 'b', type: 'foreach', parentId: 'a' },
      ],
    });
    expect(plain(removeNodes(document, ['a'])).nodes).toEqual([]);
  });

  it('make own members of maps by id', () => {
    const document = opened({ flattenNodes: {}, flattenEdges: {} });
    const [added, id] = addNode(document, '__proto__', '', { x: 0, y: 0 });
    expect(id).toBe('__proto__');
    expect(nodesOf(added, TYPES)).toHaveLength(1);
  });
});

describe('a new design', () => {
  it('begins with a start that leads to an end', () => {
    const document = emptyDocument('Start', 'End', KEYS);
    expect(nodesOf(document, TYPES).map((node) => node.type)).toEqual(['start', 'end']);
    expect(edgesOf(document)).toHaveLength(1);
    expect(nameOf(setName(document, 'N'))).toBe('N');
  });
});

describe('withAt', () => {
  it('makes what is on the way, and takes away', () => {
    expect(withAt({}, ['a', 'b'], 1)).toEqual({ a: { b: 1 } });
    expect(withAt({ a: { b: 1, c: 2 } }, ['a', 'b'], undefined)).toEqual({ a: { c: 2 } });
    expect(withAt({ a: [1, 2, 3] }, ['a', 1], undefined)).toEqual({ a: [1, 3] });
  });
});
