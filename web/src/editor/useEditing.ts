/** A document while it is edited: what was done to it, what of it is chosen, what the service says. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { api } from '../api/client';
import type { Diagnostic, Picture } from '../api/types';
import { type Document, edgesOf, type NodeTypes } from './document';
import { begin, change, type History, redo, undo } from './history';
import { Painter } from './picture';

/** How long typing has to pause before the service is asked. */
const PAUSE_MS = 400;

export interface Selection {
  nodes: readonly string[];
  edge: number | null;
}

export const NOTHING_CHOSEN: Selection = { nodes: [], edge: null };

export interface Editing {
  document: Document;
  types: NodeTypes;
  /** What there is now, for those who are called later than they were made. */
  latest: { readonly current: { document: Document; picture: Picture } };
  picture: Picture;
  diagnostics: readonly Diagnostic[];
  checking: boolean;
  checkError: Error | null;
  canUndo: boolean;
  canRedo: boolean;
  undo: () => void;
  redo: () => void;
  /** Changes of one `kind` that follow each other soon are undone together. */
  edit: (make: (document: Document) => Document, kind?: string) => void;
  selection: Selection;
  select: (next: Selection | ((before: Selection) => Selection)) => void;
}

export function useEditing(first: Document, types: NodeTypes): Editing {
  const [history, setHistory] = useState(() => begin(first));
  const [selection, select] = useState<Selection>(NOTHING_CHOSEN);
  const made = useRef(history);
  const put = useCallback((next: History<Document>) => {
    made.current = next;
    setHistory(next);
  }, []);
  const document = history.present;
  const check = useCheck(document.json);
  const painter = useMemo(() => new Painter(types), [types]);
  const picture = useMemo(
    () => painter.paint(document, check.picture),
    [painter, document, check.picture],
  );
  const latest = useRef({ document, picture });
  latest.current = { document, picture };

  const edit = useCallback<Editing['edit']>(
    (make, kind) =>
      put(change(made.current, make(made.current.present), kind ?? null, Date.now())),
    [put],
  );
  const step = useCallback(
    (move: typeof undo) => {
      const next = move(made.current);
      if (next === made.current) return;
      put(next);
      // Edges are known by their place: another one may be there now.
      select((before) => ({ ...before, edge: null }));
    },
    [put],
  );
  // Of what is chosen only what still is there counts.
  const ids = useMemo(() => new Set(picture.nodes.map((node) => node.id)), [picture]);
  const chosen = useMemo(() => {
    const nodes = selection.nodes.filter((id) => ids.has(id));
    const there = edgesOf(document).some((one) => one.index === selection.edge);
    return { nodes, edge: there ? selection.edge : null };
  }, [selection, ids, document]);
  return {
    document,
    types,
    latest,
    picture,
    diagnostics: check.diagnostics,
    checking: check.checking,
    checkError: check.error,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    undo: useCallback(() => step(undo), [step]),
    redo: useCallback(() => step(redo), [step]),
    edit,
    selection: chosen,
    select,
  };
}

interface Check {
  of: unknown;
  picture: Picture | null;
  diagnostics: readonly Diagnostic[];
  error: Error | null;
}

/** Have the design checked whenever it has rested for a moment; late answers do not count. */
function useCheck(design: unknown): Check & { checking: boolean } {
  const [check, setCheck] = useState<Check>({
    of: null,
    picture: null,
    diagnostics: [],
    error: null,
  });
  const begun = useRef(false);
  useEffect(() => {
    const asking = new AbortController();
    const timer = window.setTimeout(
      () => {
        begun.current = true;
        api.draw(design, asking.signal).then(
          ({ picture, diagnostics }) =>
            setCheck((before) => ({
              of: design,
              // While a design is too wrong to be drawn its nodes stay where they were.
              picture: picture ?? before.picture,
              diagnostics,
              error: null,
            })),
          (error: Error) => {
            if (!asking.signal.aborted) setCheck((before) => ({ ...before, of: design, error }));
          },
        );
      },
      begun.current ? PAUSE_MS : 0,
    );
    return () => {
      window.clearTimeout(timer);
      asking.abort();
    };
  }, [design]);
  return { ...check, checking: check.of !== design };
}
