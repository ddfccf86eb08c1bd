import type { Ptr } from '../../../cpu/layout.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const WORD_BITS = 64;
const NONE = -1;

/**
 * Scalable bitmaps: numbers that many CPUs take and give back, spread over words in cache lines of their own
 * (lib/sbitmap.c). What is given back is marked in `cleared`, by inlined code, and cleared here when a word is full.
 */
export class Sbitmap implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sbitmap_init_node: (
      map: Ptr,
      depth: number,
      shift: number,
      _flags: number,
      _node: number,
      roundRobin: boolean,
      allocHint: boolean,
    ) => this.init(map, depth, shift, roundRobin, allocHint),
    sbitmap_resize: (map: Ptr, depth: number) => this.resize(map, depth),
    sbitmap_get: (map: Ptr) => this.get(map),
    sbitmap_get_shallow: (map: Ptr, shallow: number) => this.get(map, shallow),
    sbitmap_any_bit_set: (map: Ptr) =>
      this.words(map).some((word) => (this.load(word, 'word') & ~this.load(word, 'cleared')) !== 0n),
    sbitmap_weight: (map: Ptr) => this.weight(map, 'word') - this.weight(map, 'cleared'),
  };

  private init(map: Ptr, depth: number, shift: number, roundRobin: boolean, allocHint: boolean): number {
    const { k } = this;
    const type = k.struct('sbitmap');
    const wordShift = shift < 0 ? shiftFor(depth) : shift;
    if (2 ** wordShift > WORD_BITS) return -EINVAL;
    k.space.writable(map, type.size).fill(0);
    type.set(map, 'shift', wordShift);
    type.set(map, 'depth', depth);
    type.set(map, 'map_nr', Math.ceil(depth / 2 ** wordShift));
    type.set(map, 'round_robin', roundRobin ? 1 : 0);
    if (depth === 0) return 0;
    if (allocHint) {
      const hint = k.percpu.allocate(4, 4);
      if (hint === 0) return -ENOMEM;
      if (!roundRobin) k.space.store32(k.percpu.deref(hint), k.random.below(depth));
      type.set(map, 'alloc_hint', hint);
    }
    const bytes = type.get(map, 'map_nr') * k.sizeOf('sbitmap_word');
    const words = k.kvmalloc(bytes, GFP_ZERO);
    if (words === 0) {
      if (allocHint) k.percpu.free(type.get(map, 'alloc_hint'));
      return -ENOMEM;
    }
    type.set(map, 'map', words);
    return 0;
  }

  /** Within the words that there are. */
  private resize(map: Ptr, depth: number): void {
    const type = this.k.struct('sbitmap');
    for (const word of this.words(map)) this.clearDeferred(word);
    type.set(map, 'depth', depth);
    type.set(map, 'map_nr', Math.ceil(depth / 2 ** type.get(map, 'shift')));
  }

  /** Takes a free number, at most `shallow` of each word; -1 if all are taken. */
  private get(map: Ptr, shallow = WORD_BITS): number {
    const { k } = this;
    const type = k.struct('sbitmap');
    const hintSlot = type.get(map, 'alloc_hint');
    if (hintSlot === 0) return NONE;
    const depth = type.get(map, 'depth');
    const at = k.percpu.deref(hintSlot);
    let hint = k.space.load32(at);
    if (hint >= depth) {
      hint = depth === 0 ? 0 : k.random.below(depth);
      k.space.store32(at, hint);
    }
    const number = this.search(map, hint, shallow);
    const roundRobin = type.get(map, 'round_robin') !== 0;
    if (number === NONE) k.space.store32(at, 0);
    else if (number === hint || roundRobin) k.space.store32(at, number + 1 >= depth - 1 ? 0 : number + 1);
    return number;
  }

  private search(map: Ptr, hint: number, shallow: number): number {
    const type = this.k.struct('sbitmap');
    const shift = type.get(map, 'shift');
    const words = this.words(map);
    const roundRobin = type.get(map, 'round_robin') !== 0;
    let index = Math.floor(hint / 2 ** shift);
    // Numbers of one word share a cache line: only who has to go round begins within one.
    let from = roundRobin || shallow < WORD_BITS ? hint % 2 ** shift : 0;
    for (let tried = 0; tried < words.length; tried++) {
      const room = Math.min(this.wordDepth(map, index), shallow);
      const bit = this.take(words[index], room, from, !roundRobin);
      if (bit !== NONE) return index * 2 ** shift + bit;
      from = 0;
      index = (index + 1) % words.length;
    }
    return NONE;
  }

  private take(word: Ptr, depth: number, from: number, wrap: boolean): number {
    do {
      const bits = this.load(word, 'word');
      const order = [...range(from, depth), ...(wrap ? range(0, Math.min(from, depth)) : [])];
      const bit = order.find((candidate) => ((bits >> BigInt(candidate)) & 1n) === 0n);
      if (bit !== undefined) {
        this.store(word, 'word', bits | (1n << BigInt(bit)));
        return bit;
      }
    } while (this.clearDeferred(word));
    return NONE;
  }

  /** Clears what was given back; whether anything was. */
  private clearDeferred(word: Ptr): boolean {
    const cleared = this.load(word, 'cleared');
    if (cleared === 0n) return false;
    this.store(word, 'cleared', 0n);
    this.store(word, 'word', this.load(word, 'word') & ~cleared);
    return true;
  }

  private wordDepth(map: Ptr, index: number): number {
    const type = this.k.struct('sbitmap');
    const perWord = 2 ** type.get(map, 'shift');
    return Math.min(perWord, type.get(map, 'depth') - index * perWord);
  }

  private weight(map: Ptr, member: 'word' | 'cleared'): number {
    return this.words(map).reduce((sum, word, index) => {
      const bits = this.load(word, member) & ((1n << BigInt(this.wordDepth(map, index))) - 1n);
      return sum + [...bits.toString(2)].filter((digit) => digit === '1').length;
    }, 0);
  }

  private words(map: Ptr): Ptr[] {
    const type = this.k.struct('sbitmap');
    const first = type.get(map, 'map');
    const size = this.k.sizeOf('sbitmap_word');
    return [...range(0, type.get(map, 'map_nr'))].map((index) => first + index * size);
  }

  private load(word: Ptr, member: 'word' | 'cleared'): bigint {
    return this.k.struct('sbitmap_word').getBig(word, member);
  }

  private store(word: Ptr, member: 'word' | 'cleared', bits: bigint): void {
    this.k.struct('sbitmap_word').setBig(word, member, bits);
  }
}

/** Few numbers are spread over at least four words. */
function shiftFor(depth: number): number {
  let shift = Math.log2(WORD_BITS);
  if (depth >= 4) while (4 * 2 ** shift > depth) shift--;
  return shift;
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i++) yield i;
}
