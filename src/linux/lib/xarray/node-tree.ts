import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { StructView } from '../vsprintf/context.js';
import {
  isNode,
  isSibling,
  isValue,
  MAX_INDEX,
  RETRY,
  SLOTS,
  siblingOf,
  siblingOffset,
  ZERO,
} from './entry.js';
import { type Found, findEntry } from './search.js';

export const MARKS = 3;
/** The mark that says that an index is free, in arrays that hand out indices. */
export const FREE_MARK = 0;

/** Where nodes come from. */
interface NodeMemory {
  /** Zeroed memory of a node, 0 when there is none. */
  allocate(): Ptr;
  free(node: Ptr): void;
}

/** How a kind of array differs from the plain XArray. */
export interface Flavor {
  /** FREE_MARK is set on indices that are not in use. */
  readonly tracksFree: boolean;
  /** A NULL entry may be in use (IDR): what is in use is what is not marked free. */
  readonly busyNull: boolean;
  /** Index 0 is never free (XA_FLAGS_ZERO_BUSY). */
  readonly zeroBusy: boolean;
}

export const PLAIN: Flavor = { tracksFree: false, busyNull: false, zeroBusy: false };

/** Place of an entry: a slot of a node, or the array's head. */
export interface Place {
  /** 0 for the head. */
  readonly node: Ptr;
  readonly offset: number;
  readonly slot: Ptr;
}

/** The trees behind XArrays, radix trees and IDRs, laid out as inlined code walks them. */
export class NodeTree {
  private readonly headOffset: number;
  private readonly flagsOffset: number;
  private readonly slotsOffset: number;
  private readonly marksOffset: number;
  /** Bits of an index that one level of nodes decides. */
  readonly slotShift: bigint;

  constructor(
    private readonly space: AddressSpace,
    private readonly node: StructView,
    array: StructView,
    private readonly memory: NodeMemory,
    /** Bit of xa_flags that shows mark 0: __GFP_BITS_SHIFT. */
    private readonly markShift: number,
    /** Slots of a node. */
    readonly slots = SLOTS,
  ) {
    this.slotShift = BigInt(Math.log2(slots));
    this.headOffset = array.offsetOf('xa_head');
    this.flagsOffset = array.offsetOf('xa_flags');
    this.slotsOffset = node.offsetOf('slots');
    this.marksOffset = node.has('marks') ? node.offsetOf('marks') : node.offsetOf('tags');
  }

  head(array: Ptr): bigint {
    return this.space.load64(array + this.headOffset);
  }

  headSlot(array: Ptr): Ptr {
    return array + this.headOffset;
  }

  setHead(array: Ptr, entry: bigint): void {
    this.space.store64(array + this.headOffset, entry);
  }

  flags(array: Ptr): number {
    return this.space.load32(array + this.flagsOffset);
  }

  setFlags(array: Ptr, flags: number): void {
    this.space.store32(array + this.flagsOffset, flags);
  }

  /** The node an entry points to. */
  toNode(entry: bigint): Ptr {
    return this.space.fromAddress(entry - 2n);
  }

  fromNode(node: Ptr): bigint {
    return this.space.toAddress(node) + 2n;
  }

  shift(node: Ptr): bigint {
    return BigInt(this.node.get(node, 'shift'));
  }

  parent(node: Ptr): Ptr {
    return this.node.get(node, 'parent');
  }

  offset(node: Ptr): number {
    return this.node.get(node, 'offset');
  }

  slotAt(node: Ptr, offset: number): Ptr {
    return node + this.slotsOffset + offset * 8;
  }

  entryAt(node: Ptr, offset: number): bigint {
    return this.space.load64(this.slotAt(node, offset));
  }

  read(place: Place): bigint {
    return this.space.load64(place.slot);
  }

  /** Highest index that the tree covers as it is; -1 when empty. */
  maxIndex(array: Ptr): bigint {
    const head = this.head(array);
    if (head === 0n) return -1n;
    return isNode(head) ? this.maxBelow(this.toNode(head)) : 0n;
  }

  /** Highest index below a node whose subtree begins at 0. */
  maxBelow(node: Ptr): bigint {
    const max = (1n << (this.shift(node) + this.slotShift)) - 1n;
    return max > MAX_INDEX ? MAX_INDEX : max;
  }

  /** The slot of an index in a node of that shift. */
  offsetIn(index: bigint, shift: bigint): number {
    return Number((index >> shift) & BigInt(this.slots - 1));
  }

  /** Place of an index, undefined where the tree has no slot for it. */
  find(array: Ptr, index: bigint): Place | undefined {
    let entry = this.head(array);
    if (!isNode(entry)) return index === 0n ? { node: 0, offset: 0, slot: this.headSlot(array) } : undefined;
    let node = this.toNode(entry);
    if (index > this.maxBelow(node)) return undefined;
    for (;;) {
      const shift = this.shift(node);
      let offset = this.offsetIn(index, shift);
      entry = this.entryAt(node, offset);
      if (isSibling(entry)) {
        offset = siblingOffset(entry);
        entry = this.entryAt(node, offset);
      }
      if (shift === 0n || !isNode(entry))
        return shift === 0n || entry !== 0n ? { node, offset, slot: this.slotAt(node, offset) } : undefined;
      node = this.toNode(entry);
    }
  }

  load(array: Ptr, index: bigint): bigint {
    const place = this.find(array, index);
    const entry = place ? this.read(place) : 0n;
    return entry === RETRY ? 0n : entry;
  }

  /** Place of an index, with nodes made as needed. Undefined when memory is short. */
  create(
    array: Ptr,
    index: bigint,
    flavor: Flavor,
    allowHead: boolean,
    /** Level of the slot: it covers 2^level indices. */
    level = 0n,
  ): Place | undefined {
    if (!this.grow(array, index, flavor, allowHead)) return undefined;
    const head = this.head(array);
    if (!isNode(head)) return { node: 0, offset: 0, slot: this.headSlot(array) };
    let node = this.toNode(head);
    for (let shift = this.shift(node); ; shift -= this.slotShift) {
      const offset = this.offsetIn(index, shift);
      if (shift <= level) return { node, offset, slot: this.slotAt(node, offset) };
      const entry = this.entryAt(node, offset);
      if (isNode(entry)) {
        node = this.toNode(entry);
        continue;
      }
      const child = this.newNode(array, shift - this.slotShift, node, offset, flavor);
      if (child === 0) return undefined;
      this.space.store64(this.slotAt(node, offset), this.fromNode(child));
      this.adjust(node, 'count', 1);
      node = child;
    }
  }

  /** Puts one entry into `count` slots of a node from a place on: the first has it, the others stand for that one. */
  fill(place: Place, count: number, entry: bigint): void {
    for (let i = 0; i < count; i++) {
      const offset = place.offset + i;
      const slot = this.slotAt(place.node, offset);
      const old = this.space.load64(slot);
      if (isNode(old)) this.freeBelow(this.toNode(old));
      this.space.store64(slot, i === 0 ? entry : siblingOf(place.offset));
      this.adjust(place.node, 'count', old === 0n ? 1 : 0);
      this.adjust(place.node, 'nr_values', (isValue(entry) ? 1 : 0) - (isValue(old) ? 1 : 0));
    }
  }

  /** Empties the slots that stand for a place's. */
  clearSiblings(place: Place): void {
    if (place.node === 0) return;
    const mine = siblingOf(place.offset);
    const wasValue = isValue(this.read(place));
    for (let at = place.offset + 1; at < this.slots && this.entryAt(place.node, at) === mine; at++) {
      this.space.store64(this.slotAt(place.node, at), 0n);
      this.adjust(place.node, 'count', -1);
      if (wasValue) this.adjust(place.node, 'nr_values', -1);
    }
  }

  /** Makes the tree high enough for an index. */
  private grow(array: Ptr, index: bigint, flavor: Flavor, allowHead: boolean): boolean {
    const head = this.head(array);
    if (head === 0n && flavor.zeroBusy && index !== 0n) this.setHead(array, ZERO);
    else if (head === 0n) {
      if (index === 0n && allowHead) return true;
      let shift = 0n;
      while (index >> (shift + this.slotShift) !== 0n) shift += this.slotShift;
      const node = this.newNode(array, shift, 0, 0, flavor);
      if (node === 0) return false;
      this.setHead(array, this.fromNode(node));
      return true;
    }
    if (!isNode(head) && !allowHead && index === 0n) return this.raise(array, 0n, flavor);
    while (index > this.maxIndex(array)) {
      const top = this.head(array);
      if (!this.raise(array, isNode(top) ? this.shift(this.toNode(top)) + this.slotShift : 0n, flavor))
        return false;
    }
    return true;
  }

  /** A new top node above the present head. */
  private raise(array: Ptr, shift: bigint, flavor: Flavor): boolean {
    const head = this.head(array);
    const node = this.newNode(array, shift, 0, 0, flavor);
    if (node === 0) return false;
    this.space.store64(this.slotAt(node, 0), head);
    this.node.set(node, 'count', 1);
    if (isValue(head)) this.node.set(node, 'nr_values', 1);
    for (let mark = 0; mark < MARKS; mark++) {
      if (flavor.tracksFree && mark === FREE_MARK) {
        if (!this.headMarked(array, mark)) {
          this.setNodeMark(node, mark, 0, false);
          this.setHeadMark(array, mark, true);
        }
      } else if (this.headMarked(array, mark)) this.setNodeMark(node, mark, 0, true);
    }
    if (isNode(head)) {
      this.node.set(this.toNode(head), 'parent', node);
      this.node.set(this.toNode(head), 'offset', 0);
    }
    this.setHead(array, this.fromNode(node));
    return true;
  }

  private newNode(array: Ptr, shift: bigint, parent: Ptr, offset: number, flavor: Flavor): Ptr {
    const node = this.memory.allocate();
    if (node === 0) return 0;
    this.node.set(node, 'shift', Number(shift));
    this.node.set(node, 'offset', offset);
    this.node.set(node, 'parent', parent);
    this.node.set(node, 'array', array);
    const list = this.node.addr(node, 'private_list');
    this.space.storePtr(list, list);
    this.space.storePtr(list + 8, list);
    if (flavor.tracksFree) this.space.store64(this.marksOffset + node, MAX_INDEX);
    return node;
  }

  /** Changes an entry in place and counts it; marks are up to the caller. */
  write(place: Place, entry: bigint, counted: number): void {
    const old = this.read(place);
    this.space.store64(place.slot, entry);
    if (place.node === 0) return;
    this.adjust(place.node, 'count', counted);
    this.adjust(place.node, 'nr_values', (isValue(entry) ? 1 : 0) - (isValue(old) ? 1 : 0));
  }

  private adjust(node: Ptr, member: 'count' | 'nr_values', by: number): void {
    if (by !== 0) this.node.set(node, member, (this.node.get(node, member) + by) & 0xff);
  }

  /** Frees empty nodes from a place upwards, and top nodes that only lead to index 0. */
  prune(array: Ptr, place: Place, flavor: Flavor): void {
    let { node } = place;
    while (node !== 0 && this.node.get(node, 'count') === 0) {
      const parent = this.parent(node);
      if (parent === 0) {
        this.setHead(array, 0n);
        if (!flavor.tracksFree) for (let mark = 0; mark < MARKS; mark++) this.setHeadMark(array, mark, false);
      } else {
        this.space.store64(this.slotAt(parent, this.offset(node)), 0n);
        this.adjust(parent, 'count', -1);
      }
      this.memory.free(node);
      node = parent;
    }
    if (node !== 0) this.lower(array, flavor);
  }

  private lower(array: Ptr, flavor: Flavor): void {
    for (;;) {
      const head = this.head(array);
      if (!isNode(head)) return;
      const node = this.toNode(head);
      if (this.node.get(node, 'count') !== 1) return;
      const entry = this.entryAt(node, 0);
      if (entry === 0n) return;
      const isLeaf = !isNode(entry);
      if (isLeaf && (this.shift(node) !== 0n || flavor.busyNull)) return;
      this.setHead(array, flavor.zeroBusy && entry === ZERO ? 0n : entry);
      if (flavor.tracksFree && !this.nodeMark(node, FREE_MARK, 0)) this.setHeadMark(array, FREE_MARK, false);
      if (isLeaf) this.space.store64(this.slotAt(node, 0), RETRY);
      else this.node.set(this.toNode(entry), 'parent', 0);
      this.memory.free(node);
    }
  }

  /** Frees every node; the array is empty then. Entries are the user's. */
  destroy(array: Ptr): void {
    const head = this.head(array);
    this.setHead(array, 0n);
    if (isNode(head)) this.freeBelow(this.toNode(head));
  }

  private freeBelow(node: Ptr): void {
    if (this.shift(node) !== 0n)
      for (let offset = 0; offset < this.slots; offset++) {
        const entry = this.entryAt(node, offset);
        if (isNode(entry)) this.freeBelow(this.toNode(entry));
      }
    this.memory.free(node);
  }

  headMarked(array: Ptr, mark: number): boolean {
    return ((this.flags(array) >>> (this.markShift + mark)) & 1) !== 0;
  }

  setHeadMark(array: Ptr, mark: number, value: boolean): void {
    const bit = 1 << (this.markShift + mark);
    const flags = this.flags(array);
    this.setFlags(array, value ? flags | bit : flags & ~bit);
  }

  nodeMark(node: Ptr, mark: number, offset: number): boolean {
    return ((this.space.load8(this.markByte(node, mark, offset)) >> (offset & 7)) & 1) !== 0;
  }

  setNodeMark(node: Ptr, mark: number, offset: number, value: boolean): void {
    const at = this.markByte(node, mark, offset);
    const bit = 1 << (offset & 7);
    const old = this.space.load8(at);
    this.space.store8(at, value ? old | bit : old & ~bit);
  }

  private markByte(node: Ptr, mark: number, offset: number): Ptr {
    return node + this.marksOffset + mark * 8 + (offset >> 3);
  }

  /** All marks of a node's slots as one word. */
  markWord(node: Ptr, mark: number): bigint {
    return this.space.load64(node + this.marksOffset + mark * 8);
  }

  marked(array: Ptr, place: Place, mark: number): boolean {
    return place.node === 0 ? this.headMarked(array, mark) : this.nodeMark(place.node, mark, place.offset);
  }

  /** Marks a place and the way down to it. */
  mark(array: Ptr, place: Place, mark: number): void {
    let { node, offset } = place;
    while (node !== 0) {
      if (this.nodeMark(node, mark, offset)) return;
      this.setNodeMark(node, mark, offset, true);
      offset = this.offset(node);
      node = this.parent(node);
    }
    this.setHeadMark(array, mark, true);
  }

  /** Clears the mark of a place, and of nodes above that have no other marked slot. */
  unmark(array: Ptr, place: Place, mark: number): void {
    let { node, offset } = place;
    while (node !== 0) {
      if (!this.nodeMark(node, mark, offset)) return;
      this.setNodeMark(node, mark, offset, false);
      if (this.markWord(node, mark) !== 0n) return;
      offset = this.offset(node);
      node = this.parent(node);
    }
    this.setHeadMark(array, mark, false);
  }

  /** See findEntry. */
  next(array: Ptr, from: bigint, max: bigint, mark?: number): Found | undefined {
    return findEntry(this, array, from, max, mark);
  }
}
