import { expect, test } from 'vitest';
import { told } from '../src/api/live';
import type { ExecutionStatus } from '../src/api/types';

const whole = {
  run_id: 'r',
  status: 'waiting',
  revision: 3,
  nodes: { a: { status: 'completed' }, b: { status: 'waiting' } },
} as unknown as ExecutionStatus;

test('the first message is all that is known', () => {
  expect(told(undefined, { type: 'status', ...whole })).toEqual(whole);
});

test('later ones change the nodes they name, and leave the others', () => {
  const next = { ...whole, revision: 4, nodes: { b: { status: 'completed' as const } } };
  const known = told(whole, { type: 'nodes', ...next });
  expect(known?.revision).toBe(4);
  expect(known?.nodes).toEqual({ a: { status: 'completed' }, b: { status: 'completed' } });
  expect(known?.nodes.a).toBe(whole.nodes.a);
});

test('a sign of life changes nothing', () => {
  expect(told(whole, { type: 'alive' })).toBe(whole);
});

test('after a reconnection everything is told anew', () => {
  const later = { ...whole, nodes: { c: { status: 'running' as const } } };
  expect(told(whole, { type: 'status', ...later })?.nodes).toEqual(later.nodes);
});
