/** One of the tables that depmod makes: keys with values. Keys may be patterns (fnmatch(3)). */
export interface IndexTable {
  /** Value of a key, letter by letter; the first where it has several. */
  find(key: string): string | undefined;
  /** Values of all keys that match a text, by priority: modules that come first in modules.dep come first. */
  match(text: string): readonly string[];
  /** All there is, in the order of `modprobe -c`: by key. */
  entries(): Iterable<readonly [key: string, value: string]>;
}

/** A table with nothing in it. */
export const EMPTY_TABLE: IndexTable = {
  find: () => undefined,
  match: () => [],
  entries: () => [],
};
