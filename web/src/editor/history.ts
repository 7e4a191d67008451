/** What was, and what can be again. */

const MOST = 200;
/** Changes of one kind that follow each other so soon are taken back together. */
const TOGETHER_MS = 1000;

export interface History<T> {
  past: readonly T[];
  present: T;
  future: readonly T[];
  /** The kind of the last change, and when it was made. */
  last: { kind: string; at: number } | null;
}

export const begin = <T>(present: T): History<T> => ({ past: [], present, future: [], last: null });

/** `kind`: what is changed, such as the label of one node; null: always a change of its own. */
export function change<T>(
  history: History<T>,
  next: T,
  kind: string | null,
  now: number,
): History<T> {
  if (next === history.present) return history;
  const { last } = history;
  const together = last !== null && last.kind === kind && now - last.at < TOGETHER_MS;
  return {
    past: together ? history.past : [...history.past, history.present].slice(-MOST),
    present: next,
    future: [],
    last: kind === null ? null : { kind, at: now },
  };
}

export function undo<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (history.past.length === 0) return history;
  return {
    past: history.past.slice(0, -1),
    present: before as T,
    future: [history.present, ...history.future],
    last: null,
  };
}

export function redo<T>(history: History<T>): History<T> {
  if (history.future.length === 0) return history;
  const [next, ...future] = history.future;
  return { past: [...history.past, history.present], present: next as T, future, last: null };
}
