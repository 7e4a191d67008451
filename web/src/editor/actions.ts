/** What can be done to a drawing, by mouse, keyboard or form. */

import { type MutableRefObject, useMemo, useRef } from 'react';
import { useTexts } from '../i18n';
import { holdsNodes } from '../canvas/kinds';
import type { Picture, PictureNode } from '../api/types';
import { addNode, connect, moveNode, removeEdge, removeNodes, setParent } from './edits';
import { absolute, containerAt, isWithin } from './picture';
import { type Editing, NOTHING_CHOSEN } from './useEditing';

/** What is dragged out of the palette: the name of a node type. */
export const PALETTE_TYPE = 'application/x-proflow-node-type';
/** Between nodes that are put beside each other, and to the border of a container. */
const GAP = 70;
const INSIDE = { x: 24, y: 52 };

interface Point {
  x: number;
  y: number;
}

export interface Actions {
  /** A new node at a place of the canvas, inside of the container that is there. */
  addAt: (type: string, at: Point) => void;
  /** A new node beside the chosen one, or in the middle of what is seen. */
  add: (type: string) => void;
  /** Positions count from the parent's; what is dropped elsewhere gets another parent. */
  move: (moved: readonly { id: string; position: Point }[], by: 'drop' | 'keys') => void;
  putInto: (id: string, parent: string | null) => void;
  connect: (source: string, handle: string | null, target: string) => void;
  /** Take away what is chosen. */
  remove: () => void;
  /** Set by the canvas. */
  middle: MutableRefObject<() => Point>;
  show: MutableRefObject<(id: string) => void>;
}

/** The place nearest below where nothing else stands. */
function freePlace(picture: Picture, parent: string | null, at: Point, except?: string): Point {
  const beside = picture.nodes.filter((node) => node.parent === parent && node.id !== except);
  const taken = ({ x, y }: Point) =>
    beside.some(
      (node) => Math.abs(node.x - x) < node.width && node.y < y + 60 && y < node.y + node.height + 12,
    );
  let place = at;
  for (let tries = 0; tries <= beside.length && taken(place); tries += 1) {
    place = { x: place.x, y: place.y + GAP };
  }
  return place;
}

function from(picture: Picture, parent: string | null, at: Point): Point {
  if (parent === null) return at;
  const origin = absolute(picture, parent);
  return { x: Math.max(0, at.x - origin.x), y: Math.max(0, at.y - origin.y) };
}

export function useActions(editing: Editing): Actions {
  const { word } = useTexts();
  const middle = useRef<() => Point>(() => ({ x: 0, y: 0 }));
  const show = useRef<(id: string) => void>(() => undefined);
  const chosen = useRef(editing.selection);
  chosen.current = editing.selection;
  const { edit, select, latest, types } = editing;
  return useMemo(() => {
    const put = (type: string, at: Point, parent: string | null) => {
      let id = '';
      edit((document) => {
        const [next, made] = addNode(document, type, word('type', type), at, parent);
        id = made;
        return next;
      });
      select({ nodes: [id], edge: null });
      window.setTimeout(() => show.current(id), 100);
    };
    const byId = (id: string | undefined): PictureNode | undefined =>
      latest.current.picture.nodes.find((node) => node.id === id);
    return {
      middle,
      show,
      addAt: (type, at) => {
        const { picture } = latest.current;
        const parent = type === 'start' ? null : containerAt(picture, { x: at.x + 80, y: at.y + 24 });
        put(type, from(picture, parent, at), parent);
      },
      add: (type) => {
        const { picture } = latest.current;
        const beside = byId(chosen.current.nodes[0]);
        if (beside !== undefined && holdsNodes(beside.type) && type !== 'start') {
          put(type, freePlace(picture, beside.id, INSIDE), beside.id);
        } else if (beside !== undefined) {
          const at = { x: beside.x + beside.width + GAP, y: beside.y };
          put(type, freePlace(picture, beside.parent, at), beside.parent);
        } else {
          const { x, y } = middle.current();
          put(type, freePlace(picture, null, { x: x - 80, y: y - 24 }), null);
        }
      },
      move: (moved, by) => {
        const { picture } = latest.current;
        const all = new Set(moved.map((one) => one.id));
        edit(
          (document) =>
            moved.reduce((before, { id, position }) => {
              const node = byId(id);
              if (node === undefined) return before;
              const still = Math.round(node.x) === Math.round(position.x) &&
                Math.round(node.y) === Math.round(position.y);
              if (still) return before;
              // What moves together with its container stays in it.
              const carried = [...all].some((other) => other !== id && isWithin(picture, id, other));
              if (by === 'keys' || carried || node.type === 'start') {
                return moveNode(before, id, position);
              }
              const origin = node.parent === null ? { x: 0, y: 0 } : absolute(picture, node.parent);
              const corner = { x: origin.x + position.x, y: origin.y + position.y };
              const centre = { x: corner.x + node.width / 2, y: corner.y + node.height / 2 };
              const parent = containerAt(picture, centre, id);
              if (parent === node.parent) return moveNode(before, id, position);
              return setParent(before, id, parent, from(picture, parent, corner));
            }, document),
          by === 'keys' ? `move ${[...all].join(' ')}` : undefined,
        );
      },
      putInto: (id, parent) => {
        const { picture } = latest.current;
        const at = parent === null ? absolute(picture, id) : freePlace(picture, parent, INSIDE, id);
        edit((document) => setParent(document, id, parent, at));
      },
      connect: (source, handle, target) =>
        edit((document) => {
          const outcomes = types.get(byId(source)?.type ?? '')?.outcomes ?? [];
          // What is left in one way only needs no name for it.
          const plain = handle === 'default' && outcomes.includes('default');
          return connect(document, source, plain ? null : handle, target);
        }),
      remove: () => {
        const { nodes, edge } = chosen.current;
        if (edge !== null) edit((document) => removeEdge(document, edge));
        if (nodes.length) edit((document) => removeNodes(document, nodes));
        select(NOTHING_CHOSEN);
      },
    };
  }, [edit, select, latest, types, word]);
}
