import {
  NODE_HAS_CHILDREN,
  NODE_HAS_PREFIX,
  NODE_HAS_VALUES,
  NODE_OFFSET_MASK,
  TRIE_HEADER_BYTES,
  TRIE_MAGIC,
  TRIE_VERSION,
} from './trie-format.js';

/** A text that a binary index cannot hold: only 7-bit ASCII can be looked up in it. */
export class TrieCharacterError extends Error {
  override readonly name = 'TrieCharacterError';

  constructor(
    /** The text, a character for a byte. */
    readonly text: string,
    /** Code of its first character that is not ASCII. */
    readonly code: number,
  ) {
    super(`bad character 0x${code.toString(16)} in '${text}'`);
  }
}

/** An index that would not fit into 28-bit offsets. */
export class TrieSizeError extends Error {
  override readonly name = 'TrieSizeError';

  constructor() {
    super('a binary index cannot be larger than 256 MiB');
  }
}

interface Value {
  readonly text: string;
  readonly priority: number;
}

/**
 * Makes a binary index (see trie-format.ts) with its nodes in the order in which kmod up to version 30 has them,
 * children before what they belong to. Texts have a character for a byte.
 */
export class TrieWriter {
  private readonly entries = new Map<string, Value[]>();

  /**
   * Adds a value; those of a key are found in the order of their priority, of two with the same one the newer
   * first. True where the key had that very value already (it is added all the same).
   */
  insert(key: string, text: string, priority: number): boolean {
    checkCharacters(key);
    checkCharacters(text);
    const values = this.entries.get(key);
    if (!values) {
      this.entries.set(key, [{ text, priority }]);
      return false;
    }
    const known = values.some((value) => value.text === text);
    const place = values.findIndex((value) => value.priority >= priority);
    values.splice(place < 0 ? values.length : place, 0, { text, priority });
    return known;
  }

  /** The index as it is in a file. Throws {@link TrieSizeError}. */
  bytes(): Uint8Array {
    const keys = [...this.entries.keys()].sort();
    const out = new Output();
    out.uint32(TRIE_MAGIC);
    out.uint32(TRIE_VERSION);
    out.uint32(0);
    const root = this.writeNode(out, keys, { from: 0, to: keys.length, start: 0, end: 0 });
    return out.finish(root);
  }

  /** Writes what is below a node and then the node; returns its place. */
  private writeNode(out: Output, keys: readonly string[], node: KeyRange): number {
    const { from, to, start, end } = node;
    const own = from < to && keys[from].length === end ? keys[from] : undefined;
    const firstBelow = own === undefined ? from : from + 1;
    const children = this.writeChildren(out, keys, firstBelow, to, end);
    let place = out.length;
    if (end > start) {
      out.text(keys[from].slice(start, end));
      place += NODE_HAS_PREFIX;
    }
    if (children.length > 0) {
      out.byte(keys[firstBelow].charCodeAt(end));
      out.byte(keys[to - 1].charCodeAt(end));
      for (const child of children) out.uint32(child);
      place += NODE_HAS_CHILDREN;
    }
    if (own !== undefined) {
      out.values(this.entries.get(own)!);
      place += NODE_HAS_VALUES;
    }
    return place;
  }

  /** Places of the children from the first to the last character, 0 where there is none. */
  private writeChildren(
    out: Output,
    keys: readonly string[],
    from: number,
    to: number,
    at: number,
  ): readonly number[] {
    const places: number[] = [];
    const first = from < to ? keys[from].charCodeAt(at) : 0;
    for (let low = from; low < to; ) {
      const character = keys[low].charCodeAt(at);
      let high = low + 1;
      while (high < to && keys[high].charCodeAt(at) === character) high++;
      while (places.length < character - first) places.push(0);
      const end = commonLength(keys[low], keys[high - 1], at + 1);
      places.push(this.writeNode(out, keys, { from: low, to: high, start: at + 1, end }));
      low = high;
    }
    return places;
  }
}

/** The sorted keys below a node, and the part of them that is the node's prefix. */
interface KeyRange {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

function commonLength(a: string, b: string, from: number): number {
  const most = Math.min(a.length, b.length);
  let length = from;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function checkCharacters(text: string): void {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7f) throw new TrieCharacterError(text, text.charCodeAt(i));
}

/** A file that grows. */
class Output {
  length = 0;
  private content = new Uint8Array(0x10000);
  private view = new DataView(this.content.buffer);

  byte(value: number): void {
    this.reserve(1);
    this.content[this.length++] = value;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value);
    this.length += 4;
  }

  text(text: string): void {
    this.reserve(text.length + 1);
    for (let i = 0; i < text.length; i++) this.content[this.length++] = text.charCodeAt(i);
    this.content[this.length++] = 0;
  }

  values(values: readonly Value[]): void {
    this.uint32(values.length);
    for (const { text, priority } of values) {
      this.uint32(priority);
      this.text(text);
    }
  }

  finish(root: number): Uint8Array {
    this.view.setUint32(TRIE_HEADER_BYTES - 4, root);
    return this.content.slice(0, this.length);
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.content.length) return;
    if (needed > NODE_OFFSET_MASK) throw new TrieSizeError();
    const larger = new Uint8Array(Math.max(needed, this.content.length * 2));
    larger.set(this.content);
    this.content = larger;
    this.view = new DataView(larger.buffer);
  }
}
