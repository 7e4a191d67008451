/** Fixes of the service: JSON Patches (RFC 6902), applied to a design that is being edited. */

import type { Edit } from '../api/types';
import { type Document, openDocument } from './document';
import { isObject, type Json } from './json';

/** A document with a fix applied; null if the fix does not fit it, or it could not be edited then. */
export function applyFix(document: Document, edits: readonly Edit[]): Document | null {
  let json: Json | undefined = document.json;
  for (const edit of edits) {
    json = json === undefined ? undefined : applied(json, edit);
  }
  return json === undefined ? null : openDocument(json, document.keys);
}

/** A value with one operation applied; undefined if its pointers lead nowhere. */
function applied(json: Json, { op, pointer, value, from }: Edit): Json | undefined {
  if (op !== 'move') return changed(json, keysOf(pointer), op, value as Json | undefined);
  if (from === undefined) return undefined;
  const [source, target] = [keysOf(from), keysOf(pointer)];
  const moved = found(json, source);
  if (moved === undefined) return undefined;
  const renamed = rename(json, source, target);
  if (renamed !== undefined) return renamed;
  const left = changed(json, source, 'remove', undefined);
  return left === undefined ? undefined : changed(left, target, 'add', moved);
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replace(/~1/g, '/').replace(/~0/g, '~'));
}

/** The place in a list that a key names; undefined if it names none. */
function indexOf(key: string): number | undefined {
  return /^(0|[1-9]\d*)$/.test(key) ? Number(key) : undefined;
}

function childOf(json: Json, key: string): Json | undefined {
  if (Array.isArray(json)) return json[indexOf(key) ?? -1];
  return isObject(json) && Object.hasOwn(json, key) ? json[key] : undefined;
}

function found(json: Json, keys: readonly string[]): Json | undefined {
  return keys.reduce<Json | undefined>(
    (at, key) => (at === undefined ? undefined : childOf(at, key)),
    json,
  );
}

function changed(
  json: Json,
  keys: readonly string[],
  op: 'add' | 'remove' | 'replace',
  value: Json | undefined,
): Json | undefined {
  const [key, ...rest] = keys;
  if (op !== 'remove' && value === undefined) return undefined;
  if (key === undefined) return op === 'remove' ? undefined : value;
  let next = value;
  if (rest.length > 0) {
    const inner = childOf(json, key);
    next = inner === undefined ? undefined : changed(inner, rest, op, value);
    if (next === undefined) return undefined;
  }
  const mode = rest.length > 0 ? 'replace' : op;
  if (Array.isArray(json)) return inList(json, key, mode, next);
  return isObject(json) ? inObject(json, key, mode, next) : undefined;
}

function inList(
  list: readonly Json[],
  key: string,
  op: 'add' | 'remove' | 'replace',
  value: Json | undefined,
): Json | undefined {
  const index = key === '-' && op === 'add' ? list.length : indexOf(key);
  const last = op === 'add' ? list.length : list.length - 1;
  if (index === undefined || index > last) return undefined;
  const next = [...list];
  const put = op === 'remove' ? [] : [value as Json];
  next.splice(index, op === 'add' ? 0 : 1, ...put);
  return next;
}

function inObject(
  object: { [key: string]: Json },
  key: string,
  op: 'add' | 'remove' | 'replace',
  value: Json | undefined,
): Json | undefined {
  const known = Object.hasOwn(object, key);
  if (!known && op !== 'add') return undefined;
  const entries = Object.entries(object);
  // Unlike an assignment, this makes a member of its own even of a key like `__proto__`.
  if (op === 'remove') return Object.fromEntries(entries.filter(([name]) => name !== key));
  if (!known) return Object.fromEntries([...entries, [key, value as Json]]);
  return Object.fromEntries(entries.map(([name, old]) => [name, name === key ? (value as Json) : old]));
}

/** Give a member of an object another key in its place; undefined if that is not what is asked. */
function rename(json: Json, source: readonly string[], target: readonly string[]): Json | undefined {
  const parent = source.slice(0, -1);
  const [from, to] = [source.at(-1), target.at(-1)];
  const alike = parent.length === target.length - 1 && parent.every((key, at) => target[at] === key);
  const object = found(json, parent);
  if (!alike || !isObject(object) || from === undefined || to === undefined) return undefined;
  if (!Object.hasOwn(object, from) || Object.hasOwn(object, to)) return undefined;
  const entries = Object.entries(object).map(([name, value]) => [name === from ? to : name, value]);
  return changed(json, parent, 'replace', Object.fromEntries(entries));
}
