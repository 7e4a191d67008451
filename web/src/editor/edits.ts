/** Changes of a design, each the least one: what the host put there is kept, and so is the order of
 * keys. Nothing is changed in place; what changes nothing is the same document.
 */

import {
  configPlace,
  type Document,
  type DocumentEdge,
  edgeItems,
  edgesOf,
  idOf,
  type Item,
  items,
  labelPath,
  nameOf,
  namePath,
  nodeItem,
  nodeItems,
  type NodeTypes,
  parentOf,
  point,
} from './document';
import { at, isObject, type Json, type JsonObject, own, type Path, text, withAt } from './json';

const changed = (document: Document, path: Path, next: Json | undefined): Document => ({
  ...document,
  json: withAt(document.json, path, next) as JsonObject,
});

/** Add a member to a list, or to a map under its id. */
function added(document: Document, key: string, id: string, value: JsonObject): Document {
  const base = [...document.graph, key];
  const found = at(document.json, base);
  const map = isObject(found) || (found === undefined && key === 'flattenEdges');
  if (map) return changed(document, [...base, id], value);
  return changed(document, base, [...(Array.isArray(found) ? found : []), value]);
}

/** An id that nobody has: the word itself, or with a number; expressions can say it as it is. */
function free(word: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const id = count === 1 ? word : `${word}_${count}`;
    if (!taken.has(id)) return id;
  }
}

const nodeIds = (document: Document) =>
  new Set(nodeItems(document).flatMap((item) => idOf(item) ?? []));

const rounded = ({ x, y }: { x: number; y: number }) => ({ x: Math.round(x), y: Math.round(y) });

/** A new node; its id. Inside a parent its position counts from the parent's. */
export function addNode(
  document: Document,
  type: string,
  label: string,
  position: { x: number; y: number },
  parent: string | null = null,
): [Document, string] {
  const id = free(type, nodeIds(document));
  const value: JsonObject = {
    id,
    type,
    position: rounded(position),
    ...(parent === null ? {} : { [parentKey(document)]: parent }),
    data: { label, config: {} },
  };
  return [added(document, document.nodesKey, id, value), id];
}

/** React Flow 11 says `parentNode`, 12 says `parentId`: as the drawing does. */
function parentKey(document: Document): 'parentId' | 'parentNode' {
  const old = nodeItems(document).some((item) => own(item.value, 'parentNode') !== undefined);
  return old ? 'parentNode' : 'parentId';
}

function without(document: Document, key: string, gone: (item: Item, index: number) => boolean): Document {
  const base = [...document.graph, key];
  const found = at(document.json, base);
  const names = new Set(
    items(document, key)
      .filter((item, index) => gone(item, index))
      .map((item) => item.path[item.path.length - 1]),
  );
  if (names.size === 0) return document;
  const left = Array.isArray(found)
    ? found.filter((_, index) => !names.has(index))
    : Object.fromEntries(Object.entries(found ?? {}).filter(([name]) => !names.has(name)));
  return changed(document, base, left as Json);
}

/** Without these nodes, what is inside of them, and the edges that end there. */
export function removeNodes(document: Document, ids: readonly string[]): Document {
  const gone = insideOf(document, ids);
  const left = without(document, document.nodesKey, (item) => gone.has(idOf(item) ?? ''));
  return without(left, document.edgesKey, ({ value }) =>
    [own(value, 'source'), own(value, 'target')].some((end) => gone.has(text(end) ?? '')),
  );
}

export function removeEdge(document: Document, index: number): Document {
  return without(document, document.edgesKey, (_, at) => at === index);
}

export function moveNode(
  document: Document,
  id: string,
  position: { x: number; y: number },
): Document {
  const item = nodeItem(document, id);
  if (item === undefined) return document;
  const next = rounded(position);
  const before = point(own(item.value, 'position'));
  if (before !== null && before.x === next.x && before.y === next.y) return document;
  const moved = changed(document, [...item.path, 'position'], {
    ...(isObject(item.value.position) ? item.value.position : {}),
    ...next,
  });
  // React Flow 11 saves a second position, which would tell of the old place.
  const absolute = point(own(item.value, 'positionAbsolute'));
  if (before === null || absolute === null) return moved;
  return changed(moved, [...item.path, 'positionAbsolute'], {
    x: absolute.x + next.x - before.x,
    y: absolute.y + next.y - before.y,
  });
}

/** Put a node into a container, or out of all, at a position counted from there. */
export function setParent(
  document: Document,
  id: string,
  parent: string | null,
  position: { x: number; y: number },
): Document {
  const item = nodeItem(document, id);
  if (item === undefined || parent === id) return document;
  let next = document;
  for (const key of document.keys.parents) {
    if (own(item.value, key) !== undefined) next = changed(next, [...item.path, key], undefined);
  }
  if (parent !== null) {
    const old = own(item.value, 'parentNode') !== undefined;
    const key = old ? 'parentNode' : parentKey(document);
    next = changed(next, [...item.path, key], parent);
  } else if (own(item.value, 'extent') === 'parent') {
    next = changed(next, [...item.path, 'extent'], undefined);
  }
  if (own(item.value, 'positionAbsolute') !== undefined) {
    next = changed(next, [...item.path, 'positionAbsolute'], undefined);
  }
  return behindParent(moveNode(next, id, position), id, parent);
}

/** React Flow wants what holds others before what it holds. */
function behindParent(document: Document, id: string, parent: string | null): Document {
  const base = [...document.graph, document.nodesKey];
  const list = at(document.json, base);
  const ids = nodeItems(document).map((item) => idOf(item));
  if (parent === null || !Array.isArray(list) || ids.indexOf(id) > ids.indexOf(parent)) {
    return document;
  }
  const inside = insideOf(document, [id]);
  const isMoved = (value: Json) => isObject(value) && inside.has(text(own(value, 'id')) ?? '');
  const [moved, left] = [list.filter(isMoved), list.filter((value) => !isMoved(value))];
  return changed(document, base, [...left, ...moved]);
}

/** Nodes, and what is in them. */
function insideOf(document: Document, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const item of nodeItems(document)) {
      const id = idOf(item);
      const parent = parentOf(item.value, document.keys);
      if (id !== null && parent !== null && found.has(parent)) found.add(id);
    }
  }
  return found;
}

export function setLabel(document: Document, id: string, label: string): Document {
  const item = nodeItem(document, id);
  if (item === undefined) return document;
  const path = [...item.path, ...(labelPath(item.value, document.keys) ?? ['data', 'label'])];
  return at(document.json, path) === label ? document : changed(document, path, label);
}

/** Give a node another id, in edges, in what it holds and in ways back that settings name; unchanged
 * if that is taken.
 */
export function setId(document: Document, id: string, next: string, types: NodeTypes): Document {
  const item = nodeItem(document, id);
  if (item === undefined || next === '' || nodeIds(document).has(next)) return document;
  let result = changed(document, [...item.path, 'id'], next);
  if (item.key !== null) {
    const base = [...document.graph, document.nodesKey];
    const entries = Object.entries(at(result.json, base) as JsonObject);
    const renamed = entries.map(([name, value]) => [name === item.key ? next : name, value]);
    result = changed(result, base, Object.fromEntries(renamed));
  }
  for (const { path, value } of edgeItems(result)) {
    for (const end of ['source', 'target']) {
      if (text(own(value, end)) === id) result = changed(result, [...path, end], next);
    }
  }
  for (const { path, value } of nodeItems(result)) {
    for (const key of document.keys.parents) {
      if (text(own(value, key)) === id) result = changed(result, [...path, key], next);
    }
    const place = [...configPlace(value, types.keys(types.of(value)), document.keys).path, 'rejectTo'];
    if (text(at(value, place)) === id) result = changed(result, [...path, ...place], next);
  }
  return result;
}

/** Set a node up; where the config stands among the host's keys, those stay. */
export function setConfig(
  document: Document,
  id: string,
  config: JsonObject,
  types: NodeTypes,
): Document {
  const item = nodeItem(document, id);
  if (item === undefined) return document;
  const keys = types.keys(types.of(item.value));
  const { path, bare } = configPlace(item.value, keys, document.keys);
  if (!bare) {
    const same = JSON.stringify(at(item.value, path)) === JSON.stringify(config);
    return same ? document : changed(document, [...item.path, ...path], config);
  }
  let next = document;
  for (const key of keys) {
    const given = Object.hasOwn(config, key) ? config[key] : undefined;
    if (given !== own(at(item.value, path), key)) {
      next = changed(next, [...item.path, ...path, key], given);
    }
  }
  return next;
}

/** A new edge; unchanged if there is one alike. */
export function connect(
  document: Document,
  source: string,
  handle: string | null,
  target: string,
): Document {
  const edges = edgesOf(document);
  const alike = edges.some(
    (one) => one.source === source && one.target === target && one.handle === handle,
  );
  if (alike) return document;
  const word = [source, ...(handle === null ? [] : [handle]), target].join('-');
  const id = free(word, new Set(edges.map((one) => one.key)));
  const value: JsonObject = { id, source, target, ...(handle === null ? {} : { sourceHandle: handle }) };
  return added(document, document.edgesKey, id, value);
}

export type EdgeChange = Partial<
  Pick<
    DocumentEdge,
    'handle' | 'label' | 'when' | 'condition' | 'isDefault' | 'priority' | 'loopMax' | 'target'
  >
>;

export function setEdge(document: Document, index: number, change: EdgeChange): Document {
  const item = edgeItems(document)[index];
  if (item === undefined) return document;
  const places: Record<keyof EdgeChange, Path> = {
    handle: ['sourceHandle'],
    target: ['target'],
    label: ['label'],
    when: ['data', 'when'],
    condition: ['data', 'condition'],
    isDefault: ['data', 'default'],
    priority: ['data', 'priority'],
    loopMax: ['data', 'loop', 'max'],
  };
  let next = document;
  for (const [name, value] of Object.entries(change) as [
    keyof EdgeChange,
    Json | undefined,
  ][]) {
    const empty = value == null || value === '' || value === false;
    let path = places[name];
    if (empty && at(item.value, path) === undefined) continue;
    if (empty && name === 'loopMax') path = ['data', 'loop'];
    next = changed(next, [...item.path, ...path], empty ? undefined : value);
  }
  return next;
}

export function setName(document: Document, name: string): Document {
  return name === nameOf(document) ? document : changed(document, namePath(document), name);
}
