/** JSON values, what is in them, and copies with something else in it. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
export type Path = readonly (string | number)[];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const own = (object: unknown, key: string): Json | undefined =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;

export function at(value: Json | undefined, path: Path): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    found = typeof key === 'number' ? (Array.isArray(found) ? found[key] : undefined) : own(found, key);
  }
  return found;
}

/** A copy with another value at a path; objects on the way are made, undefined takes it away. */
export function withAt(value: Json | undefined, path: Path, next: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return next ?? null;
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? [...value] : [];
    if (rest.length === 0 && next === undefined) list.splice(key, 1);
    else list[key] = withAt(list[key], rest, next);
    return list;
  }
  const entries = isObject(value) ? Object.entries(value) : [];
  const found = entries.findIndex(([name]) => name === key);
  if (rest.length === 0 && next === undefined) {
    if (found >= 0) entries.splice(found, 1);
  } else {
    const inner = withAt(found < 0 ? undefined : entries[found]?.[1], rest, next);
    if (found < 0) entries.push([key, inner]);
    else entries[found] = [key, inner];
  }
  // Unlike an assignment, this makes a member of its own even of a key like `__proto__`.
  return Object.fromEntries(entries);
}

export const text = (value: Json | undefined): string | null =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null;
export const number = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** Whether every number is as it was written: a browser rounds whole numbers beyond 2⁵³. */
export function isExact(json: unknown): boolean {
  const left: unknown[] = [json];
  while (left.length) {
    const one = left.pop();
    if (typeof one === 'number' && Number.isInteger(one) && !Number.isSafeInteger(one)) return false;
    if (typeof one === 'object' && one !== null) {
      for (const inner of Object.values(one)) left.push(inner);
    }
  }
  return true;
}
