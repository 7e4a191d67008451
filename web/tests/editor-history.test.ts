import { describe, expect, it } from 'vitest';
import { begin, change, type History, redo, undo } from '../src/editor/history';

const typed = (history: History<string>, texts: string[], every = 100, from = 0) =>
  texts.reduce((before, text, index) => change(before, text, 'label', from + index * every), history);

describe('history', () => {
  it('goes back and forth', () => {
    const done = ['b', 'c', 'd'].reduce((before, one) => change(before, one, null, 0), begin('a'));
    const back = undo(undo(done));
    expect(back.present).toBe('b');
    expect(redo(back).present).toBe('c');
    expect(redo(redo(redo(back))).present).toBe('d');
    expect(undo(undo(undo(undo(done)))).present).toBe('a');
  });

  it('takes back together what was typed together', () => {
    const done = typed(begin(''), ['h', 'he', 'hey']);
    expect(done.present).toBe('hey');
    expect(undo(done).present).toBe('');
  });

  it('keeps apart what was typed after a pause, or elsewhere', () => {
    const paused = typed(typed(begin(''), ['h', 'he']), ['hey'], 100, 5000);
    expect(undo(paused).present).toBe('he');
    const elsewhere = change(typed(begin(''), ['h', 'he']), 'x', 'other', 150);
    expect(undo(elsewhere).present).toBe('he');
  });

  it('does not add to what was taken back', () => {
    const back = undo(typed(begin(''), ['h', 'he']));
    const on = change(back, 'x', 'label', 120);
    expect(undo(on).present).toBe('');
    expect(redo(on)).toBe(on);
  });

  it('knows no change that changes nothing', () => {
    const first = begin('a');
    expect(change(first, 'a', null, 0)).toBe(first);
    expect(undo(first)).toBe(first);
    expect(redo(first)).toBe(first);
  });

  it('does not grow without end', () => {
    let history = begin(0);
    for (let count = 1; count <= 1000; count += 1) history = change(history, count, null, count);
    expect(history.past).toHaveLength(200);
    expect(undo(history).present).toBe(999);
  });

  it('takes back to a value that is undefined', () => {
    const done = change(begin<number | undefined>(undefined), 1, null, 0);
    expect(undo(done).present).toBeUndefined();
  });
});
