/** A design as it is edited: the JSON that a canvas saved, of which every edit changes the least.
 *
 * What the host put there is kept, and so is the order of keys. Nothing here is changed in place.
 */

import type { NodeTypeInfo } from '../api/types';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };
type Path = readonly (string | number)[];

/** A drawing, and where its nodes and edges are in it. */
export interface Document {
  readonly json: JsonObject;
  readonly graph: Path;
  readonly nodesKey: 'nodes' | 'flattenNodes';
  readonly edgesKey: 'edges' | 'flattenEdges';
}

export interface DocumentNode {
  id: string;
  /** In the words of the service; what it does not know stays as it is. */
  type: string;
  /** Empty if it has none. */
  label: string;
  position: { x: number; y: number } | null;
  size: { width: number; height: number } | null;
  parent: string | null;
  config: JsonObject;
}

export interface DocumentEdge {
  /** Its place in the drawing. */
  index: number;
  /** As diagnostics name it. */
  key: string;
  source: string;
  target: string;
  handle: string | null;
  label: string;
  when: string;
  condition: Json | undefined;
  isDefault: boolean;
  priority: number | null;
  loopMax: number | null;
}

/** Where APIs put a graph, and how deep. */
const MOST_WRAPPERS = 4;
const WRAPPERS: readonly Path[] = [
  ['data'],
  ['graph'],
  ['design'],
  ['diagram'],
  ['workflow', 'graph'],
  ['workflow'],
];

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (object: unknown, key: string): Json | undefined =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;

function at(value: Json | undefined, path: Path): Json | undefined {
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

/** What tells an exported row of RiverEdge, which has a whole graph below `nodes`. */
const ROW_MARKS = ['tenant_id', 'code', 'inngest_workflow_id', 'is_active'];

function isRow(value: JsonObject): boolean {
  if (!ROW_MARKS.some((mark) => Object.hasOwn(value, mark))) return false;
  const below = own(value, 'nodes');
  if (!isObject(below)) return false;
  const graph = Object.hasOwn(below, 'nodes') || Object.hasOwn(below, 'edges');
  return graph || !Object.hasOwn(value, 'edges');
}

/** A drawing that can be edited; null for shapes that have no nodes and edges of their own. */
export function openDocument(json: unknown): Document | null {
  if (!isObject(json)) return null;
  let value: JsonObject = json;
  let graph: Path = [];
  for (let depth = 0; depth < MOST_WRAPPERS; depth += 1) {
    if (isRow(value)) return null;
    for (const [nodesKey, edgesKey] of [
      ['flattenNodes', 'flattenEdges'],
      ['nodes', 'edges'],
    ] as const) {
      if (!Object.hasOwn(value, nodesKey)) continue;
      const parts = [own(value, nodesKey), own(value, edgesKey) ?? []];
      const fits = parts.every((part) => Array.isArray(part) || isObject(part));
      return fits ? { json, graph, nodesKey, edgesKey } : null;
    }
    const inside = WRAPPERS.find((path) => isObject(at(value, path)));
    if (inside === undefined) return null;
    value = at(value, inside) as JsonObject;
    graph = [...graph, ...inside];
  }
  return null;
}

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

interface Item {
  path: Path;
  value: JsonObject;
  key: string | null;
}

function items(document: Document, key: string): Item[] {
  const base = [...document.graph, key];
  const found = at(document.json, base);
  const entries: [string | number, Json][] = Array.isArray(found)
    ? found.map((value, index) => [index, value])
    : isObject(found)
      ? Object.entries(found)
      : [];
  return entries.flatMap(([name, value]) =>
    isObject(value)
      ? [{ path: [...base, name], value, key: typeof name === 'string' ? name : null }]
      : [],
  );
}

const text = (value: Json | undefined): string | null =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null;
const number = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const idOf = (item: Item): string | null => text(own(item.value, 'id')) ?? item.key;

const nodeItems = (document: Document) => items(document, document.nodesKey);
const edgeItems = (document: Document) => items(document, document.edgesKey);

function nodeItem(document: Document, id: string): Item | undefined {
  return nodeItems(document).find((item) => idOf(item) === id);
}

/** What the service knows about types, by every name that drawings give them. */
export class NodeTypes {
  /** What has been read of nodes: as long as their JSON is the same, so are they. */
  readonly read = new WeakMap<JsonObject, DocumentNode>();
  private readonly byName = new Map<string, NodeTypeInfo>();

  constructor(readonly all: readonly NodeTypeInfo[]) {
    for (const one of all) {
      for (const name of [one.type, ...one.aliases]) this.byName.set(name, one);
    }
  }

  get(name: string): NodeTypeInfo | undefined {
    return this.byName.get(name);
  }

  /** The type of a drawn node: the first word for it that is known. */
  of(value: JsonObject): string {
    const data = own(value, 'data');
    const written = [own(value, 'type'), own(data, 'type'), own(data, 'name')].flatMap((one) =>
      typeof one === 'string' && one ? [one] : [],
    );
    const known = written.find((one) => this.byName.has(one));
    return known === undefined ? (written[0] ?? 'task') : (this.get(known)?.type ?? known);
  }

  keys(type: string): string[] {
    return Object.keys(this.get(type)?.config.properties ?? {});
  }
}

const LABELS: readonly Path[] = [['label'], ['data', 'label'], ['data', 'title'], ['data', 'meta', 'title']];

/** Where the label is: a text that says something, else one that is there at all. */
function labelPath(value: JsonObject): Path | undefined {
  const texts = LABELS.filter((path) => typeof at(value, path) === 'string');
  return texts.find((path) => text(at(value, path))?.trim()) ?? texts[0];
}

/** Where a node's config is; `bare`: among the host's own keys of `data`. */
function configPlace(value: JsonObject, keys: readonly string[]): { path: Path; bare: boolean } {
  const data = own(value, 'data');
  const places: Path[] = [['config'], ['data', 'config']];
  const contentIsSetting =
    keys.includes('content') && keys.some((key) => key !== 'content' && own(data, key) !== undefined);
  if (!contentIsSetting) places.push(['data', 'content']);
  for (const path of places) {
    const found = at(value, path);
    if (isObject(found) && Object.keys(found).length) return { path, bare: false };
  }
  if (keys.some((key) => own(data, key) !== undefined)) return { path: ['data'], bare: true };
  const empty = places.find((path) => isObject(at(value, path)));
  return { path: empty ?? ['data', 'config'], bare: false };
}

function point(value: Json | undefined): { x: number; y: number } | null {
  const x = number(own(value, 'x'));
  const y = number(own(value, 'y'));
  return x === null || y === null ? null : { x, y };
}

function sizeOf(value: JsonObject): DocumentNode['size'] {
  for (const holder of [value, own(value, 'measured'), own(value, 'style')]) {
    const width = number(own(holder, 'width'));
    const height = number(own(holder, 'height'));
    if (width !== null && height !== null && width > 0 && height > 0) return { width, height };
  }
  return null;
}

const parentOf = (value: JsonObject): string | null =>
  text(own(value, 'parentId')) ?? text(own(value, 'parentNode'));

export function nodesOf(document: Document, types: NodeTypes): DocumentNode[] {
  const seen = new Set<string>();
  return nodeItems(document).flatMap((item) => {
    const id = idOf(item);
    if (id === null || seen.has(id)) return [];
    seen.add(id);
    const known = types.read.get(item.value);
    if (known?.id === id) return [known];
    const node = readNode(id, item.value, types);
    types.read.set(item.value, node);
    return [node];
  });
}

function readNode(id: string, value: JsonObject, types: NodeTypes): DocumentNode {
  const type = types.of(value);
  const keys = types.keys(type);
  const { path, bare } = configPlace(value, keys);
  const found = at(value, path);
  const config = isObject(found) ? found : {};
  const label = labelPath(value);
  return {
    id,
    type,
    label: (label && text(at(value, label))) ?? '',
    position: point(own(value, 'position')),
    size: sizeOf(value),
    parent: parentOf(value),
    config: bare
      ? Object.fromEntries(Object.entries(config).filter(([key]) => keys.includes(key)))
      : config,
  };
}

export function edgesOf(document: Document): DocumentEdge[] {
  return edgeItems(document).flatMap((item, index) => {
    const { value } = item;
    const source = text(own(value, 'source'));
    const target = text(own(value, 'target'));
    if (source === null || target === null) return [];
    const data = own(value, 'data');
    return [
      {
        index,
        key: text(own(value, 'id')) ?? item.key ?? `${source} → ${target}`,
        source,
        target,
        handle: text(own(value, 'sourceHandle')),
        label: text(own(value, 'label')) ?? '',
        when: text(own(data, 'when')) ?? '',
        condition: own(data, 'condition'),
        isDefault: own(data, 'default') === true,
        priority: number(own(data, 'priority')),
        loopMax: number(own(own(data, 'loop'), 'max')),
      },
    ];
  });
}

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
  for (const key of ['parentId', 'parentNode']) {
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
      const parent = parentOf(item.value);
      if (id !== null && parent !== null && found.has(parent)) found.add(id);
    }
  }
  return found;
}

export function setLabel(document: Document, id: string, label: string): Document {
  const item = nodeItem(document, id);
  if (item === undefined) return document;
  const path = [...item.path, ...(labelPath(item.value) ?? ['data', 'label'])];
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
    for (const key of ['parentId', 'parentNode']) {
      if (text(own(value, key)) === id) result = changed(result, [...path, key], next);
    }
    const place = [...configPlace(value, types.keys(types.of(value))).path, 'rejectTo'];
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
  const { path, bare } = configPlace(item.value, keys);
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

/** Where the config of a node stands, as diagnostics point at it. */
export function configPointer(document: Document, id: string, types: NodeTypes): string {
  const item = nodeItem(document, id);
  if (item === undefined) return '';
  const { path } = configPlace(item.value, types.keys(types.of(item.value)));
  return [...item.path, ...path]
    .map((key) => `/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`)
    .join('');
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

const namePath = (document: Document): Path =>
  own(at(document.json, document.graph), 'name') === undefined && own(document.json, 'name') !== undefined
    ? ['name']
    : [...document.graph, 'name'];

export function nameOf(document: Document): string {
  return text(at(document.json, namePath(document))) ?? '';
}

export function setName(document: Document, name: string): Document {
  return name === nameOf(document) ? document : changed(document, namePath(document), name);
}

/** A design to begin with. */
export function emptyDocument(start: string, end: string): Document {
  const json: JsonObject = {
    name: '',
    nodes: [
      { id: 'start', type: 'start', position: { x: 0, y: 120 }, data: { label: start, config: {} } },
      { id: 'end', type: 'end', position: { x: 480, y: 120 }, data: { label: end, config: {} } },
    ],
    edges: [{ id: 'start-end', source: 'start', target: 'end' }],
  };
  return { json, graph: [], nodesKey: 'nodes', edgesKey: 'edges' };
}
