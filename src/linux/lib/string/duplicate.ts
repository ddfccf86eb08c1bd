import type { Ptr } from '../../../cpu/layout.js';
import { EFAULT, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { USER } from '../../memory-map.js';
import type { Subsystem } from '../../subsystem.js';
import { lengthOf, moveBytes } from './bytes.js';
import { isSpace } from './ctype.js';

/** Copies of strings and of memory in the slab (mm/util.c, lib/argv_split.c); free them with kfree(). */
export class Duplicate implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    kstrdup: (s: Ptr) => (s === 0 ? 0 : this.string(s, lengthOf(this.k.space, s))),
    kstrndup: (s: Ptr, limit: number) => (s === 0 ? 0 : this.string(s, lengthOf(this.k.space, s, limit))),
    kstrdup_const: (s: Ptr) =>
      s === 0 || this.isReadOnly(s) ? s : this.string(s, lengthOf(this.k.space, s)),
    kfree_const: (s: Ptr) => {
      if (s !== 0 && !this.isReadOnly(s)) this.k.slab.free(s);
    },
    kmemdup: (source: Ptr, bytes: number) => this.memory(source, bytes),
    kmemdup_array: (source: Ptr, count: number, size: number) => this.memory(source, count * size),
    kmemdup_nul: (s: Ptr, bytes: number) => (s === 0 ? 0 : this.string(s, bytes)),
    memdup_user: (source: Ptr, bytes: number) => this.fromUser(source, bytes, false),
    vmemdup_user: (source: Ptr, bytes: number) => this.fromUser(source, bytes, false),
    memdup_user_nul: (source: Ptr, bytes: number) => this.fromUser(source, bytes, true),
    strndup_user: (s: Ptr, limit: number) => {
      const length = this.userLength(s, limit);
      if (length === undefined) return errPtr(EFAULT);
      if (length >= limit) return errPtr(EINVAL);
      return this.fromUser(s, length, true);
    },
    __memcat_p: (a: Ptr, b: Ptr) => this.joinPointers(a, b),
    argv_split: (_gfp: number, s: Ptr, count: Ptr) => this.splitArguments(s, count),
    argv_free: (argv: Ptr) => {
      this.k.slab.free(this.k.space.loadPtr(argv - 8));
      this.k.slab.free(argv - 8);
    },
  };

  /** A string of the kernel's read-only data is not copied. */
  private isReadOnly(s: Ptr): boolean {
    return s >= this.k.symbol('__start_rodata') && s < this.k.symbol('__end_rodata');
  }

  private string(s: Ptr, length: number): Ptr {
    const copy = this.k.slab.allocateBytes(length + 1, false);
    if (copy === 0) return 0;
    moveBytes(this.k.space, copy, s, length);
    this.k.space.store8(copy + length, 0);
    return copy;
  }

  private memory(source: Ptr, bytes: number): Ptr {
    const copy = this.k.slab.allocateBytes(bytes, false);
    if (copy !== 0) moveBytes(this.k.space, copy, source, bytes);
    return copy;
  }

  /** lib/memcat_p.c: one array of pointers out of two, each with NULL at its end. */
  private joinPointers(a: Ptr, b: Ptr): Ptr {
    const { space, slab } = this.k;
    const pointers = [...this.pointersAt(a), ...this.pointersAt(b)];
    const joined = slab.allocateBytes((pointers.length + 1) * 8, true);
    if (joined === 0) return 0;
    for (const [i, pointer] of pointers.entries()) space.storePtr(joined + i * 8, pointer);
    return joined;
  }

  private *pointersAt(array: Ptr): Generator<Ptr> {
    const { space } = this.k;
    for (let at = array; space.loadPtr(at) !== 0; at += 8) yield space.loadPtr(at);
  }

  private fromUser(source: Ptr, bytes: number, terminate: boolean): Ptr {
    const copy = this.k.slab.allocateBytes(bytes + (terminate ? 1 : 0), false);
    if (copy === 0) return errPtr(ENOMEM);
    if (!this.isUser(source, bytes)) {
      this.k.slab.free(copy);
      return errPtr(EFAULT);
    }
    const { space } = this.k;
    space.user.within(() => moveBytes(space, copy, source, bytes));
    if (terminate) this.k.space.store8(copy + bytes, 0);
    return copy;
  }

  private isUser(ptr: Ptr, bytes: number): boolean {
    return (
      ptr >= USER.start && ptr + bytes <= USER.start + USER.size && this.k.space.user.canRead(ptr, bytes)
    );
  }

  private userLength(s: Ptr, limit: number): number | undefined {
    for (let i = 0; i < limit; i++) {
      if (!this.isUser(s + i, 1)) return undefined;
      if (this.k.space.bytes[s + i] === 0) return i;
    }
    return limit;
  }

  /** An array of words with a NULL at its end; the copy they point into is kept in front of it. */
  private splitArguments(s: Ptr, count: Ptr): Ptr {
    const { space, slab } = this.k;
    const copy = this.string(s, lengthOf(space, s));
    if (copy === 0) return 0;
    const text = space.cstring(copy);
    const starts: number[] = [];
    for (let at = 0; at < text.length; at++) {
      if (isSpace(text[at])) space.store8(copy + at, 0);
      else if (at === 0 || isSpace(text[at - 1])) starts.push(at);
    }
    const array = slab.allocateBytes((starts.length + 2) * 8, true);
    if (array === 0) {
      slab.free(copy);
      return 0;
    }
    space.storePtr(array, copy);
    for (const [i, start] of starts.entries()) space.storePtr(array + 8 * (i + 1), copy + start);
    if (count !== 0) space.store32(count, starts.length);
    return array + 8;
  }
}
