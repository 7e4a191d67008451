import { expect, test } from 'vitest';
import type { Diagnostic, NodeState, PictureEdge, PictureNode } from '../src/api/types';
import { settingText } from '../src/canvas/NodeCard';
import { spokenEdge } from '../src/canvas/OutcomeEdge';
import { edgeState, flowEdges, flowNodes, handlesOf, marks, NODE } from '../src/canvas/picture';
import { texts } from '../src/i18n';

const edge = (change: Partial<PictureEdge>): PictureEdge => ({
  id: 'e0',
  key: 'a-b',
  source: 'a',
  target: 'b',
  handle: null,
  outcome: 'default',
  label: null,
  back: false,
  error: false,
  drawn: true,
  leaving: { by: 'default', always: true, ruled: false },
  ...change,
});
const node = (id: string, change: Partial<PictureNode> = {}): PictureNode => ({
  id,
  type: 'task',
  label: id,
  x: 0,
  y: 0,
  width: 100,
  height: 48,
  parent: null,
  config: {},
  outcomes: ['default', 'error'],
  ...change,
});
const states = (
  source: NodeState['status'],
  outcome: NodeState['outcome'],
  target: NodeState['status'],
) => ({ a: { status: source, outcome }, b: { status: target } });

test.each([
  ['running', null, 'pending', 'open'],
  ['waiting', null, 'pending', 'open'],
  ['skipped', null, 'skipped', 'skipped'],
  ['completed', 'approved', 'pending', 'taken'],
  ['completed', 'rejected', 'skipped', 'skipped'],
  ['failed', null, 'skipped', 'skipped'],
  ['cancelled', null, 'skipped', 'skipped'],
] as const)('an edge out of a node that is %s by %s', (source, outcome, target, expected) => {
  const one = edge({ leaving: { by: 'approved', always: false, ruled: false } });
  expect(edgeState(one, states(source, outcome, target))).toBe(expected);
});

test('an inclusive takes several', () => {
  const one = edge({ leaving: { by: 'x', always: false, ruled: true } });
  expect(edgeState(one, states('completed', ['x', 'y'], 'running'))).toBe('taken');
  expect(edgeState(one, states('completed', ['y'], 'skipped'))).toBe('skipped');
});

test('where rules chose, the target tells', () => {
  const one = edge({ leaving: { by: 'default', always: true, ruled: true } });
  expect(edgeState(one, states('completed', 'default', 'skipped'))).toBe('skipped');
  expect(edgeState(one, states('completed', 'default', 'waiting'))).toBe('taken');
});

test('a walk is marked with its steps, and diagnostics where they belong', () => {
  const found = [
    { level: 'warning', node: 'a', edge: null, path: [] },
    { level: 'error', node: 'a', edge: 'a-b', path: ['a', 'b'] },
  ] as unknown as Diagnostic[];
  const drawn = marks(found, ['a', 'b']);
  expect(drawn.nodes.get('a')).toEqual({ level: 'error', count: 2 });
  expect(drawn.edges.get('a-b')).toBe('error');
  const picture = { id: 'p', name: '', width: 0, height: 0, nodes: [node('a'), node('b')], edges: [edge({})] };
  expect(flowEdges(picture, { marks: drawn })[0]?.data).toMatchObject({ level: 'error', onPath: true });
  expect(flowNodes(picture, { marks: drawn }).map((one) => one.data.onPath)).toEqual([true, true]);
});

test('a node has a handle for its usual outcome, and for those that lead somewhere', () => {
  const approval = node('a', { outcomes: ['approved', 'rejected', 'timeout', 'returned'] });
  expect(handlesOf(approval, [])).toEqual(['approved']);
  expect(handlesOf(approval, [edge({ handle: 'timeout' })])).toEqual(['approved', 'timeout']);
  expect(handlesOf(node('c', { outcomes: ['default'] }), [edge({ handle: 'large' })])).toEqual([
    'default',
    'large',
  ]);
  expect(handlesOf(node('e', { type: 'end', outcomes: [] }), [])).toEqual([]);
});

test('a type that is not known is drawn all the same', () => {
  const picture = { id: 'p', name: '', width: 0, height: 0, nodes: [node('a', { type: 'teleport' })], edges: [] };
  expect(flowNodes(picture, {})[0]?.type).toBe(NODE);
});

test('containers come before what they hold, however deep, and circles end', () => {
  const nodes = [node('c', { parent: 'b' }), node('b', { parent: 'a' }), node('a')];
  const picture = { id: 'p', name: '', width: 0, height: 0, nodes, edges: [] };
  expect(flowNodes(picture, {}).map((one) => one.id)).toEqual(['a', 'b', 'c']);
  const turning = [node('a', { parent: 'b' }), node('b', { parent: 'a' })];
  expect(flowNodes({ ...picture, nodes: turning }, {})).toHaveLength(2);
});

test('what is written on an edge that leads back is its outcome, and how often', () => {
  const spoken = (label: string) => {
    const picture = {
      id: 'p',
      name: 'p',
      width: 0,
      height: 0,
      nodes: [node('a'), node('b')],
      edges: [edge({ label, back: true })],
    };
    const [drawn] = flowEdges(picture, {});
    return drawn && spokenEdge(drawn.data, new Map(), texts('zh', () => {}));
  };
  expect(spoken('returned ≤ 10×')).toBe('a → b, 退回 ≤ 10×');
  expect(spoken('≤ 3×')).toBe('a → b, ≤ 3×');
  expect(spoken('my ≤ 1× words')).toBe('a → b, my ≤ 1× words');
});

test('a node says what decides how a run moves', () => {
  const [zh, en] = [texts('zh', () => undefined), texts('en', () => undefined)];
  const said = (type: string, config: Record<string, unknown>) => {
    const one = node('a', { type, config });
    return [settingText(one, zh), settingText(one, en)];
  };
  expect(said('join', { mode: 'all' })).toEqual(['全部', 'all of them']);
  expect(said('join', { mode: 2 })).toEqual(['2', '2']);
  expect(said('join', {})).toEqual(['', '']);
  expect(said('end', { terminate: true })).toEqual(['终止流程', 'stops the run']);
  expect(said('end', { terminate: true, fail: true })).toEqual(['使流程失败', 'fails the run']);
  expect(said('end', { status: 'late' })).toEqual(['', '']);
  expect(said('task', { mode: 'all', terminate: true })).toEqual(['', '']);
});
