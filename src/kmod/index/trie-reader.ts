import { matcherOf } from '../../files/glob.js';
import { rawBytes, rawText } from '../../files/raw-text.js';
import { FormatError, hex } from '../../formats/format-error.js';
import type { IndexTable } from './index-table.js';

/** File format of libkmod-index.c: "BOOTFAST" in figures, then the version, then where the root is. */
const MAGIC = 0xb007f457;
const MAJOR_VERSION = 2;
const INDEX_HEADER_SIZE = 12;

/** A node's offset tells in its upper bits which parts the node has. */
const HAS_PREFIX = 0x80000000;
const HAS_VALUES = 0x40000000;
const HAS_CHILDREN = 0x20000000;
const OFFSET_MASK = 0x0fffffff;

/** Children are ordered by the character that leads to them; keys are ASCII. */
const CHARACTERS = 128;
/** PATH_MAX: no key that kmod could ask for is longer. It also bounds how deep nodes nest. */
const LONGEST_KEY = 4096;
/** What a listing may be longer than its file: 64 keys of one start share it. Real ones stay below 4. */
const LONGEST_LISTING = 256;

const NUL = 0;
const WILDCARDS = '*?[';

interface TrieNode {
  readonly prefix: string;
  /** Character of the first child. */
  readonly first: number;
  /** Offset of the table of children, and how many it has places for. */
  readonly childrenAt: number;
  readonly childCount: number;
  readonly valuesAt: number;
  readonly valueCount: number;
}

interface PrioritizedValue {
  readonly priority: number;
  readonly value: string;
}

/**
 * A `modules.*.bin` file, read in place: a lookup reads the nodes on its way and nothing else. Every offset is
 * checked. A file that leads out of itself, in circles, or to more than it can hold is a FormatError.
 */
export class TrieReader implements IndexTable {
  private readonly view: DataView;
  private readonly rootOffset: number;

  /** `file` is what messages call it. Throws FormatError for what is no such file. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < INDEX_HEADER_SIZE)
      throw new FormatError(file, 'header', 0, `${bytes.length} bytes, it has ${INDEX_HEADER_SIZE}`);
    const magic = this.view.getUint32(0);
    if (magic !== MAGIC) throw new FormatError(file, 'magic', 0, `${hex(magic)} instead of ${hex(MAGIC)}`);
    const major = this.view.getUint16(4);
    if (major !== MAJOR_VERSION)
      throw new FormatError(file, 'version', 4, `major version ${major} instead of ${MAJOR_VERSION}`);
    this.rootOffset = this.view.getUint32(8);
  }

  find(key: string): string | undefined {
    const wanted = asBytes(key);
    const walk = new Walk(this.bytes, this.view, this.file);
    let at = 0;
    for (let node = walk.node(this.rootOffset); node; ) {
      if (!wanted.startsWith(node.prefix, at)) return undefined;
      at += node.prefix.length;
      if (at === wanted.length) return walk.firstValue(node);
      node = walk.child(node, wanted.charCodeAt(at++));
    }
    return undefined;
  }

  match(text: string): readonly string[] {
    const wanted = asBytes(text);
    const walk = new Walk(this.bytes, this.view, this.file);
    const found: PrioritizedValue[] = [];
    let at = 0;
    for (let node = walk.node(this.rootOffset); node; ) {
      const literal = literalLength(node.prefix);
      if (!wanted.startsWith(node.prefix.slice(0, literal), at)) break;
      at += literal;
      if (literal < node.prefix.length) {
        this.matchBelow(walk, node, node.prefix.slice(literal), wanted.slice(at), found);
        break;
      }
      for (const wildcard of WILDCARDS) {
        const child = walk.child(node, wildcard.charCodeAt(0));
        if (child) this.matchBelow(walk, child, wildcard + child.prefix, wanted.slice(at), found);
      }
      if (at === wanted.length) {
        insertAll(found, walk.values(node));
        break;
      }
      node = walk.child(node, wanted.charCodeAt(at++));
    }
    return found.map(({ value }) => asText(value));
  }

  *entries(): Generator<readonly [key: string, value: string]> {
    const walk = new Walk(this.bytes, this.view, this.file);
    const root = walk.node(this.rootOffset);
    if (!root) return;
    const limit = this.bytes.length * LONGEST_LISTING;
    let length = 0;
    for (const { key, node } of walk.below(root, root.prefix)) {
      for (const { value } of walk.values(node)) {
        length += key.length + value.length;
        if (length > limit)
          throw new FormatError(this.file, 'values', node.valuesAt, `its listing has over ${limit} bytes`);
        yield [asText(key), asText(value)];
      }
    }
  }

  /** Keys below a node, of which `key` is what is known from their first wildcard on. */
  private matchBelow(
    walk: Walk,
    start: TrieNode,
    key: string,
    rest: string,
    found: PrioritizedValue[],
  ): void {
    for (const { key: pattern, node } of walk.below(start, key, true))
      if (node.valueCount > 0 && matcherOf(pattern)(rest)) insertAll(found, walk.values(node));
  }
}

/**
 * One way through a trie. In a sound file no byte is read twice on it: a way that reads more bytes than there
 * are goes in circles, or through nodes that overlap.
 */
class Walk {
  private left: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
    private readonly file: string,
  ) {
    this.left = bytes.length;
  }

  /** Undefined for the offset 0: there is no node. */
  node(offset: number): TrieNode | undefined {
    const start = offset & OFFSET_MASK;
    if (start === 0) return undefined;
    // A node of which there is nothing takes no bytes: the root of an empty index, at the end of its file.
    const isEmpty = (offset & (HAS_PREFIX | HAS_CHILDREN | HAS_VALUES)) === 0;
    if (start > this.bytes.length || (start === this.bytes.length && !isEmpty))
      throw this.error('node', start, `outside of the file, which has ${this.bytes.length} bytes`);
    let at = start;
    let prefix = '';
    if (offset & HAS_PREFIX) {
      prefix = this.text(at, 'prefix');
      if (prefix.length > LONGEST_KEY)
        throw this.error('prefix', at, `longer than the longest key, ${LONGEST_KEY}`);
      at += prefix.length + 1;
    }
    let first = CHARACTERS;
    let childCount = 0;
    if (offset & HAS_CHILDREN) {
      this.need(at, 2, 'range of children');
      first = this.bytes[at];
      const last = this.bytes[at + 1];
      if (first > last || last >= CHARACTERS)
        throw this.error('range of children', at, `from ${first} to ${last}`);
      childCount = last - first + 1;
      at += 2;
      this.need(at, childCount * 4, 'children');
    }
    const childrenAt = at;
    at += childCount * 4;
    let valueCount = 0;
    if (offset & HAS_VALUES) {
      this.need(at, 4, 'value_count');
      valueCount = this.view.getUint32(at);
      at += 4;
    }
    this.spend(at - start + 1, start);
    return { prefix, first, childrenAt, childCount, valuesAt: at, valueCount };
  }

  child(node: TrieNode, character: number): TrieNode | undefined {
    const place = character - node.first;
    if (place < 0 || place >= node.childCount) return undefined;
    return this.node(this.view.getUint32(node.childrenAt + place * 4));
  }

  firstValue(node: TrieNode): string | undefined {
    for (const { value } of this.values(node)) return asText(value);
    return undefined;
  }

  *values(node: TrieNode): Generator<PrioritizedValue> {
    let at = node.valuesAt;
    for (let i = 0; i < node.valueCount; i++) {
      this.need(at, 5, `value ${i} of ${node.valueCount}`);
      const priority = this.view.getUint32(at);
      const value = this.text(at + 4, 'value');
      this.spend(value.length + 5, at);
      yield { priority, value };
      at += value.length + 5;
    }
  }

  /**
   * A node and all below it with their keys, of which the start is given. A node comes before its children,
   * or (as libkmod searches) behind them.
   */
  *below(
    node: TrieNode,
    key: string,
    childrenFirst = false,
  ): Generator<{ readonly key: string; readonly node: TrieNode }> {
    const stack = [{ node, key, next: 0 }];
    if (!childrenFirst) yield { key, node };
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.next === top.node.childCount) {
        stack.pop();
        if (childrenFirst) yield top;
        continue;
      }
      const character = top.node.first + top.next++;
      const child = this.child(top.node, character);
      if (!child) continue;
      const childKey = top.key + String.fromCharCode(character) + child.prefix;
      if (childKey.length > LONGEST_KEY)
        throw this.error('node', child.childrenAt, `nested deeper than the longest key, ${LONGEST_KEY}`);
      stack.push({ node: child, key: childKey, next: 0 });
      if (!childrenFirst) yield { key: childKey, node: child };
    }
  }

  private need(at: number, size: number, field: string): void {
    if (at + size > this.bytes.length)
      throw this.error(field, at, `ends outside of the file, which has ${this.bytes.length} bytes`);
  }

  private text(at: number, field: string): string {
    const end = this.bytes.indexOf(NUL, at);
    if (end < 0) throw this.error(field, at, 'has no end');
    let text = '';
    for (let i = at; i < end; i++) text += String.fromCharCode(this.bytes[i]);
    return text;
  }

  private spend(size: number, at: number): void {
    // A node without any part costs one byte too; a sound file has none, and room to spare in its header.
    this.left -= size;
    if (this.left < -this.bytes.length)
      throw this.error('node', at, 'reached again: nodes overlap or lead in circles');
  }

  private error(field: string, at: number, detail: string): FormatError {
    return new FormatError(this.file, field, at, detail);
  }
}

/** Into a list by priority, before those of the same, as libkmod's lists grow. */
function insertAll(list: PrioritizedValue[], values: Iterable<PrioritizedValue>): void {
  for (const value of values) {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].priority < value.priority) low = middle + 1;
      else high = middle;
    }
    list.splice(low, 0, value);
  }
}

/** Length of a text up to its first wildcard. A backslash is none: the trie is searched letter by letter there. */
function literalLength(text: string): number {
  const at = text.search(/[*?[]/);
  return at < 0 ? text.length : at;
}

/** Keys are bytes: a character here for each byte of its UTF-8 form. */
function asBytes(text: string): string {
  if (isAscii(text)) return text;
  return String.fromCharCode(...rawBytes(text));
}

function asText(bytes: string): string {
  if (isAscii(bytes)) return bytes;
  return rawText(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= CHARACTERS) return false;
  return true;
}
