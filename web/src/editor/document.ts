/** A design as it is edited: the JSON that a canvas saved, and what of it is a node or an edge. */

import type { DrawingKeys, NodeTypeInfo } from '../api/types';
import { at, isObject, type Json, type JsonObject, number, own, type Path, text } from './json';

/** A drawing, and where its nodes and edges are in it. */
export interface Document {
  readonly json: JsonObject;
  readonly graph: Path;
  readonly nodesKey: string;
  readonly edgesKey: string;
  /** Where the service looks for what is read of a drawing. */
  readonly keys: DrawingKeys;
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

/** How deep APIs put a graph. */
const MOST_WRAPPERS = 4;

/** Whether it is an exported row of RiverEdge, which has a whole graph below `nodes`. */
function isRow(value: JsonObject, { row_marks }: DrawingKeys): boolean {
  if (!row_marks.some((mark) => Object.hasOwn(value, mark))) return false;
  const below = own(value, 'nodes');
  if (!isObject(below)) return false;
  const graph = Object.hasOwn(below, 'nodes') || Object.hasOwn(below, 'edges');
  return graph || !Object.hasOwn(value, 'edges');
}

/** A drawing that can be edited; null for shapes that have no nodes and edges of their own. */
export function openDocument(json: unknown, keys: DrawingKeys): Document | null {
  return isObject(json) ? opened(json, [], json, keys) : null;
}

function opened(value: JsonObject, graph: Path, json: JsonObject, keys: DrawingKeys): Document | null {
  if (isRow(value, keys)) return null;
  for (const { nodes: nodesKey, edges: edgesKey } of keys.shapes) {
    if (!Object.hasOwn(value, nodesKey)) continue;
    const parts = [own(value, nodesKey), own(value, edgesKey) ?? []];
    const fits = parts.every((part) => Array.isArray(part) || isObject(part));
    return fits ? { json, graph, nodesKey, edgesKey, keys } : null;
  }
  if (graph.length >= MOST_WRAPPERS) return null;
  // A row may have other objects beside the graph, such as its `config`.
  for (const path of keys.graphs) {
    const inside = at(value, path);
    const found = isObject(inside) ? opened(inside, [...graph, ...path], json, keys) : null;
    if (found !== null) return found;
  }
  return null;
}

export interface Item {
  path: Path;
  value: JsonObject;
  key: string | null;
}

export function items(document: Document, key: string): Item[] {
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

export const idOf = (item: Item): string | null => text(own(item.value, 'id')) ?? item.key;

export const nodeItems = (document: Document) => items(document, document.nodesKey);
export const edgeItems = (document: Document) => items(document, document.edgesKey);

export function nodeItem(document: Document, id: string): Item | undefined {
  return nodeItems(document).find((item) => idOf(item) === id);
}

/** What the service knows about types, by every name that drawings give them. */
export class NodeTypes {
  /** What has been read of nodes: as long as their JSON is the same, so are they. */
  readonly read = new WeakMap<JsonObject, DocumentNode>();
  private readonly byName = new Map<string, NodeTypeInfo>();

  constructor(
    readonly all: readonly NodeTypeInfo[],
    readonly places: DrawingKeys,
  ) {
    for (const one of all) {
      for (const name of [one.type, ...one.aliases]) this.byName.set(name, one);
    }
  }

  get(name: string): NodeTypeInfo | undefined {
    return this.byName.get(name);
  }

  /** The type of a drawn node: the first word for it that is known. */
  of(value: JsonObject): string {
    const written = this.places.types.flatMap((path) => {
      const one = at(value, path);
      return typeof one === 'string' && one ? [one] : [];
    });
    const known = written.find((one) => this.byName.has(one));
    return known === undefined ? (written[0] ?? 'task') : (this.get(known)?.type ?? known);
  }

  keys(type: string): string[] {
    return Object.keys(this.get(type)?.config.properties ?? {});
  }
}

/** Where the label is: a text that says something, else one that is there at all. */
export function labelPath(value: JsonObject, { labels }: DrawingKeys): Path | undefined {
  const texts = labels.filter((path) => typeof at(value, path) === 'string');
  return texts.find((path) => text(at(value, path))?.trim()) ?? texts[0];
}

/** Where a node's config is; `bare`: among the host's own keys of `data`. */
export function configPlace(
  value: JsonObject,
  keys: readonly string[],
  { configs }: DrawingKeys,
): { path: Path; bare: boolean } {
  const data = own(value, 'data');
  const contentIsSetting =
    keys.includes('content') && keys.some((key) => key !== 'content' && own(data, key) !== undefined);
  const places = configs.filter((path) => !contentIsSetting || path.at(-1) !== 'content');
  for (const path of places) {
    const found = at(value, path);
    if (isObject(found) && Object.keys(found).length) return { path, bare: false };
  }
  if (keys.some((key) => own(data, key) !== undefined)) return { path: ['data'], bare: true };
  const empty = places.find((path) => isObject(at(value, path)));
  return { path: empty ?? ['data', 'config'], bare: false };
}

export function point(value: Json | undefined): { x: number; y: number } | null {
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

export const parentOf = (value: JsonObject, { parents }: DrawingKeys): string | null =>
  parents.map((key) => text(own(value, key))).find((one) => one !== null) ?? null;

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
  const { path, bare } = configPlace(value, keys, types.places);
  const found = at(value, path);
  const config = isObject(found) ? found : {};
  const label = labelPath(value, types.places);
  return {
    id,
    type,
    label: (label && text(at(value, label))) ?? '',
    position: point(own(value, 'position')),
    size: sizeOf(value),
    parent: parentOf(value, types.places),
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

/** Where the config of a node stands, as diagnostics point at it. */
export function configPointer(document: Document, id: string, types: NodeTypes): string {
  const item = nodeItem(document, id);
  if (item === undefined) return '';
  const { path } = configPlace(item.value, types.keys(types.of(item.value)), types.places);
  return [...item.path, ...path]
    .map((key) => `/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`)
    .join('');
}

export const namePath = (document: Document): Path =>
  own(at(document.json, document.graph), 'name') === undefined && own(document.json, 'name') !== undefined
    ? ['name']
    : [...document.graph, 'name'];

export function nameOf(document: Document): string {
  return text(at(document.json, namePath(document))) ?? '';
}

/** A design to begin with. */
export function emptyDocument(start: string, end: string, keys: DrawingKeys): Document {
  const json: JsonObject = {
    name: '',
    nodes: [
      { id: 'start', type: 'start', position: { x: 0, y: 120 }, data: { label: start, config: {} } },
      { id: 'end', type: 'end', position: { x: 480, y: 120 }, data: { label: end, config: {} } },
    ],
    edges: [{ id: 'start-end', source: 'start', target: 'end' }],
  };
  return { json, graph: [], nodesKey: 'nodes', edgesKey: 'edges', keys };
}
