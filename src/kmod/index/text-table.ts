import { literalPrefix, matcherOf } from '../../files/glob.js';
import type { IndexTable } from './index-table.js';

/** How many letters of a pattern's literal start the table is ordered by. */
const KEY_LETTERS = 8;

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly order: number;
}

/** A table out of a text file; patterns are found by the letters they start with. */
export class TextTable implements IndexTable {
  private readonly byStart = new Map<string, Entry[]>();
  private count = 0;

  constructor(entries: Iterable<readonly [key: string, value: string]>) {
    for (const [key, value] of entries) {
      const start = literalPrefix(key).slice(0, KEY_LETTERS);
      const list = this.byStart.get(start);
      const entry = { key, value, order: this.count++ };
      if (list) list.push(entry);
      else this.byStart.set(start, [entry]);
    }
  }

  find(key: string): string | undefined {
    const start = literalPrefix(key).slice(0, KEY_LETTERS);
    return this.byStart.get(start)?.find((entry) => entry.key === key)?.value;
  }

  match(text: string): readonly string[] {
    const found: Entry[] = [];
    for (let length = 0; length <= Math.min(KEY_LETTERS, text.length); length++)
      for (const entry of this.byStart.get(text.slice(0, length)) ?? [])
        if (matcherOf(entry.key)(text)) found.push(entry);
    return found.sort((a, b) => a.order - b.order).map(({ value }) => value);
  }

  *entries(): Generator<readonly [key: string, value: string]> {
    const all = [...this.byStart.values()].flat();
    all.sort((a, b) => (a.key === b.key ? a.order - b.order : a.key < b.key ? -1 : 1));
    for (const { key, value } of all) yield [key, value];
  }
}
