import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MESSAGES } from '../src/i18n/messages';

/** Groups whose keys are put together from words of the service, or from variables. */
const PUT_TOGETHER =
  /^(status|category|outcome|mode|act|setting|choice|level|edit\.kind|run|runs|inbox)\./;

function sources(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((one) => {
      const path = join(folder, one.name);
      if (one.isDirectory()) return sources(path);
      return one.name === 'messages.ts' ? '' : readFileSync(path, 'utf8');
    })
    .join('\n');
}

test('every text is shown somewhere', () => {
  const code = sources(join(__dirname, '../src'));
  const unused = Object.keys(MESSAGES).filter(
    (key) => !PUT_TOGETHER.test(key) && !code.includes(`'${key}'`),
  );
  expect(unused).toEqual([]);
});

test('both languages fill in the same values', () => {
  const values = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((one) => one[1]).sort();
  for (const [key, [zh, en]] of Object.entries(MESSAGES)) {
    expect(values(zh), key).toEqual(values(en));
  }
});
