import { describe, expect, it } from 'vitest';
import { Random } from '../../testing/random.js';
import { NODE_HAS_CHILDREN, NODE_HAS_PREFIX, NODE_HAS_VALUES, NODE_OFFSET_MASK } from './trie-format.js';
import { TrieCharacterError, TrieWriter } from './trie-writer.js';

/** Everything in an index, in the order of its keys. */
function entriesOf(bytes: Uint8Array): [key: string, values: string[]][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: [string, string[]][] = [];
  const textAt = (at: number): string => {
    const end = bytes.indexOf(0, at);
    return String.fromCharCode(...bytes.subarray(at, end));
  };
  const walk = (place: number, start: string): void => {
    let at = (place & NODE_OFFSET_MASK) >>> 0;
    let key = start;
    if (place & NODE_HAS_PREFIX) {
      const prefix = textAt(at);
      key += prefix;
      at += prefix.length + 1;
    }
    const children: [number, number][] = [];
    if (place & NODE_HAS_CHILDREN) {
      const [first, last] = [bytes[at], bytes[at + 1]];
      at += 2;
      for (let c = first; c <= last; c++, at += 4) children.push([c, view.getUint32(at)]);
    }
    if (place & NODE_HAS_VALUES) {
      const values: string[] = [];
      const count = view.getUint32(at);
      at += 4;
      for (let i = 0; i < count; i++) {
        const text = textAt(at + 4);
        values.push(`${view.getUint32(at)} ${text}`);
        at += 4 + text.length + 1;
      }
      found.push([key, values]);
    }
    for (const [character, child] of children)
      if (child !== 0) walk(child, key + String.fromCharCode(character));
  };
  walk(view.getUint32(8), '');
  return found;
}

describe('a binary index', () => {
  it('has a header and no node where it is empty', () => {
    expect(Buffer.from(new TrieWriter().bytes()).toString('hex')).toBe('b007f457000200010000000c');
  });

  it('has values in the order of their priority, of equal ones the newest first', () => {
    const trie = new TrieWriter();
    trie.insert('k', 'late', 9);
    trie.insert('k', 'first', 1);
    trie.insert('k', 'second', 5);
    trie.insert('k', 'newer second', 5);
    expect(entriesOf(trie.bytes())).toEqual([['k', ['1 first', '5 newer second', '5 second', '9 late']]]);
  });

  it('tells of a value that a key has already, and has it twice', () => {
    const trie = new TrieWriter();
    expect(trie.insert('k', 'v', 1)).toBe(false);
    expect(trie.insert('k', 'w', 1)).toBe(false);
    expect(trie.insert('k', 'v', 2)).toBe(true);
    expect(entriesOf(trie.bytes())).toEqual([['k', ['1 w', '1 v', '2 v']]]);
  });

  it('refuses what is not ASCII', () => {
    expect(() => new TrieWriter().insert('caf\u00e9', 'v', 0)).toThrow(TrieCharacterError);
    expect(() => new TrieWriter().insert('k', '\u0080', 0)).toThrow(TrieCharacterError);
  });

  it('holds any keys, each once', () => {
    const random = new Random(7);
    for (let round = 0; round < 50; round++) {
      const trie = new TrieWriter();
      const expected = new Map<string, string>();
      for (let i = 0; i < 200; i++) {
        const key = Array.from({ length: random.below(8) }, () =>
          random.pick(['a', 'b', 'zz', '\x01', '\x7f']),
        ).join('');
        if (expected.has(key)) continue;
        expected.set(key, `3 ${i}`);
        trie.insert(key, `${i}`, 3);
      }
      const keys = [...expected.keys()].sort();
      expect(entriesOf(trie.bytes())).toEqual(keys.map((key) => [key, [expected.get(key)]]));
    }
  });
});
