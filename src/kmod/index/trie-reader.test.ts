import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../formats/format-error.js';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { TrieReader } from './trie-reader.js';

const TREE = fileURLToPath(new URL('../../../tests/kmod/tree/', import.meta.url));
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(`${TREE}${name}.bin`));
const FILES = readdirSync(TREE)
  .filter((name) => name.endsWith('.bin'))
  .map((name) => name.slice(0, -'.bin'.length));

/** Big-endian words and NUL-terminated texts, one after another. */
function bytes(...parts: (number | string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'string') return [...new TextEncoder().encode(part), 0];
      if (typeof part === 'number') return [part >>> 24, (part >>> 16) & 255, (part >>> 8) & 255, part & 255];
      return [...part];
    }),
  );
}

const PREFIX = 0x80000000;
const VALUES = 0x40000000;
const CHILDREN = 0x20000000;
const header = (root: number): Uint8Array => bytes(0xb007f457, 0x00020001, root);
const trie = (root: number, ...parts: (number | string | Uint8Array)[]): TrieReader =>
  new TrieReader(bytes(header(root), ...parts), 'x.bin');

describe('an index of real depmod', () => {
  it('has what the text has', () => {
    const text = readFileSync(`${TREE}modules.dep`, 'utf8').split('\n').filter(Boolean);
    const reader = new TrieReader(read('modules.dep'), 'modules.dep.bin');
    expect([...reader.entries()].map(([, line]) => line).sort()).toEqual(text.sort());
    expect(reader.find('importer')).toBe('extra/importer.ko: extra/exporter.ko');
    expect(reader.find('import')).toBeUndefined();
    expect(reader.find('importers')).toBeUndefined();
  });

  it('finds patterns', () => {
    const reader = new TrieReader(read('modules.builtin.alias'), 'modules.builtin.alias.bin');
    expect(reader.match('fancy_builtin_one')).toEqual(['built_in_one']);
    expect(reader.match('fancy')).toEqual([]);
  });
});

describe('lookup', () => {
  // Values with priorities 2, 1, 1 below one key.
  const values = trie(PREFIX | VALUES | 12, 'key', 3, 2, 'two', 1, 'one', 1, 'other');

  it('gives the first value of a key, and all by priority', () => {
    expect(values.find('key')).toBe('two');
    expect(values.match('key')).toEqual(['other', 'one', 'two']);
  });

  it('takes names that are not ASCII', () => {
    expect(values.find('käse')).toBeUndefined();
    expect(values.match('käse')).toEqual([]);
  });
});

it('an empty index, as depmod writes it, has nothing', () => {
  const empty = new TrieReader(bytes(0xb007f457, 0x00020001, 12), 'x.bin');
  expect(empty.find('a')).toBeUndefined();
  expect(empty.match('a')).toEqual([]);
  expect([...empty.entries()]).toEqual([]);
});

describe('a damaged index is refused with file and offset', () => {
  it.each([
    ['no header', () => new TrieReader(new Uint8Array(11), 'x.bin'), /^x\.bin: header \(at 0x0\): 11 bytes/],
    [
      'another magic',
      () => new TrieReader(bytes(1, 2, 3), 'x.bin'),
      /^x\.bin: magic \(at 0x0\): 0x1 instead of/,
    ],
    [
      'another version',
      () => new TrieReader(bytes(0xb007f457, 0x00030001, 12), 'x.bin'),
      /^x\.bin: version \(at 0x4\): major version 3 instead of 2/,
    ],
    [
      'a node outside',
      () => trie(PREFIX | 999, 'a').find('a'),
      /^x\.bin: node \(at 0x3e7\): outside of the file/,
    ],
    [
      'a prefix without end',
      () => trie(PREFIX | 12, Uint8Array.of(97)).find('a'),
      /prefix \(at 0xc\): has no end/,
    ],
    [
      'children in the wrong order',
      () => trie(CHILDREN | 12, Uint8Array.of(99, 98)).find('a'),
      /from 99 to 98/,
    ],
    ['children beyond ASCII', () => trie(CHILDREN | 12, Uint8Array.of(0, 200)).find('a'), /from 0 to 200/],
    [
      'more children than bytes',
      () => trie(CHILDREN | 12, Uint8Array.of(0, 127), 0).find('a'),
      /children .*ends outside/,
    ],
    [
      'more values than bytes',
      () => trie(PREFIX | VALUES | 12, 'a', 0xffffffff, 1, 'one').match('a'),
      /value 1 of 4294967295 \(at 0x1a\): ends outside/,
    ],
  ])('%s', (_, open, message) => {
    expect(open).toThrow(FormatError);
    expect(open).toThrow(message);
  });

  it('a node that is its own child', () => {
    const reader = trie(CHILDREN | VALUES | 12, Uint8Array.of(42, 42), CHILDREN | VALUES | 12, 1, 1, 'v');
    expect(() => [...reader.entries()]).toThrow(/reached again/);
    expect(() => reader.match('anything')).toThrow(/reached again/);
  });
});

describe('whatever the damage', () => {
  it.each(FILES)('%s.bin is read or refused', (name) => {
    const whole = read(name);
    const random = new Random(20251);
    for (let round = 0; round < 400; round++) {
      const damaged = mutate(whole, random, [
        [0, 12],
        [12, whole.length - 12],
      ]);
      try {
        const reader = new TrieReader(damaged, name);
        for (const key of ['importer', 'symbol:modbox_add', 'fancy_builtin_x', '']) {
          reader.find(key);
          reader.match(key);
        }
        for (const [key, value] of reader.entries()) expect(key.length + value.length).toBeLessThan(1e6);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect((error as FormatError).message).toContain(name);
      }
    }
  });
});
