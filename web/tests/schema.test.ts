import { expect, test } from 'vitest';
import { resolved, sample, withMember } from '../src/shell/SchemaForm';

test('a reference is followed, also one that may be null, and a circle ends', () => {
  const definitions = {
    Name: { type: 'string' },
    Loop: { $ref: '#/$defs/Loop' },
  };
  expect(resolved({ $ref: '#/$defs/Name' }, definitions)).toEqual({ type: 'string' });
  const optional = { anyOf: [{ $ref: '#/$defs/Name' }, { type: 'null' }], default: null };
  expect(resolved(optional, definitions)).toEqual({ type: 'string', default: null });
  expect(resolved({ $ref: '#/$defs/Loop' }, definitions)).toEqual({});
});

test('constants side by side are a choice', () => {
  expect(resolved({ anyOf: [{ const: 'a' }, { enum: ['b', 'c'] }] }, {}).enum).toEqual(['a', 'b', 'c']);
});

test('a sample has what the schema asks for', () => {
  const schema = {
    type: 'object',
    properties: {
      amount: { type: 'number', minimum: 5 },
      kind: { enum: ['x', 'y'] },
      lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
      sure: { type: 'boolean' },
    },
  };
  expect(sample(schema)).toEqual({ amount: 5, kind: 'x', lines: [{ sku: '' }], sure: false });
});

test('members keep their order, and names that are special to JavaScript are names', () => {
  expect(Object.keys(withMember({ b: 1, a: 2 }, 'b', 3))).toEqual(['b', 'a']);
  expect(withMember({ a: 1 }, 'a', undefined)).toEqual({});
  const odd = withMember({}, '__proto__', 'x');
  expect(Object.hasOwn(odd, '__proto__')).toBe(true);
  expect(Object.getPrototypeOf(odd)).toBe(Object.prototype);
});
