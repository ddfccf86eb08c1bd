import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_EMERG } from '../../kernel/log.js';
import { THREAD_SIZE } from '../../kernel/task/scheduler.js';
import { ZERO_SIZE_PTR } from '../abi/limits.js';
import { bootParameter } from '../boot-parameters.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { RAM, VMALLOC } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import { PageExports } from './pages.js';

/** Slab objects that are larger are pages of their own (KMALLOC_MAX_CACHE_SIZE). */
const MAX_CACHE_SIZE = 2 * PAGE_SIZE;
/** Line of BUG() in mm/usercopy.c. */
const BUG_LINE = 101;

/** Why a copy is refused: of what, and where in it the copy begins. */
interface Refusal {
  readonly of: string;
  readonly detail?: string;
  readonly offset?: bigint;
  readonly size?: bigint;
}

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

/**
 * Hardened usercopy (mm/usercopy.c): a copy between user and kernel memory must lie within one object that may be copied, and
 * not in kernel text. Copies of constant size are not checked: the compiler has done that.
 */
export class Usercopy implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __check_object_size: (ptr: Ptr, count: number, toUser: boolean) => this.check(ptr, count, toUser),
  };

  private check(ptr: Ptr, count: number, toUser: boolean): void {
    if (count === 0 || bootParameter(this.k.cmdline, 'hardened_usercopy') === 'off') return;
    const refusal =
      this.bogus(ptr, count) ??
      this.beyondStack(ptr, count) ??
      this.beyondArea(ptr, count) ??
      this.beyondObject(ptr, count) ??
      this.inText(ptr, count);
    if (refusal) this.abort(refusal, ptr, count, toUser);
  }

  private bogus(ptr: Ptr, count: number): Refusal | undefined {
    const address = this.k.space.toAddress(ptr);
    const end = wrap(address + BigInt(count));
    if (wrap(end - 1n) < address) return { of: 'wrapped address', size: end };
    return address <= ZERO_SIZE_PTR ? { of: 'null address' } : undefined;
  }

  /** Frames of functions are not told apart: kernels with frame pointers do. */
  private beyondStack(ptr: Ptr, count: number): Refusal | undefined {
    const task = this.k.executor.current;
    if (!task || ptr + count <= task.stackBase || ptr >= task.stackBase + THREAD_SIZE) return undefined;
    const { stack } = this.k.convention;
    const within = ptr >= stack && ptr + count <= task.stackBase + THREAD_SIZE;
    return within ? undefined : { of: 'process stack', offset: wrap(BigInt(stack - ptr)) };
  }

  /** vmalloc areas end with the guard page behind them. */
  private beyondArea(ptr: Ptr, count: number): Refusal | undefined {
    if (ptr < VMALLOC.start || ptr >= VMALLOC.start + VMALLOC.size) return undefined;
    const area = this.k.areas.areaAt(ptr);
    if (!area) return this.k.space.isMapped(ptr) ? undefined : { of: 'vmalloc', detail: 'no area' };
    const end = area.ptr + Math.ceil(area.size / PAGE_SIZE) * PAGE_SIZE + PAGE_SIZE;
    return ptr + count > end ? { of: 'vmalloc', offset: BigInt(ptr - area.ptr) } : undefined;
  }

  private beyondObject(ptr: Ptr, count: number): Refusal | undefined {
    if (ptr < RAM.start || ptr >= RAM.start + RAM.size) return undefined;
    const found = this.k.slab.objectFor(ptr);
    if (!found) return this.beyondPages(ptr, count);
    const offset = ptr - found.ptr;
    const { name, objectSize, userCopy = { offset: 0, size: objectSize } } = found.cache.options;
    if (objectSize > MAX_CACHE_SIZE) {
      const bytes = Math.ceil(objectSize / PAGE_SIZE) * PAGE_SIZE;
      return offset + count > bytes ? { of: 'page alloc', offset: BigInt(offset) } : undefined;
    }
    const fits = offset >= userCopy.offset && offset + count <= userCopy.offset + userCopy.size;
    return fits ? undefined : { of: 'SLUB object', detail: name, offset: BigInt(offset) };
  }

  /** Pages that were not allocated as one object may be copied together. */
  private beyondPages(ptr: Ptr, count: number): Refusal | undefined {
    const whole = this.k.get(PageExports).compoundAt(ptr);
    if (!whole || ptr + count <= whole.ptr + whole.bytes) return undefined;
    return { of: 'page alloc', offset: BigInt(ptr - whole.ptr) };
  }

  private inText(ptr: Ptr, count: number): Refusal | undefined {
    const { k } = this;
    if (!k.hasSymbol('_stext') || !k.hasSymbol('_etext')) return undefined;
    const [start, end] = [k.symbol('_stext'), k.symbol('_etext')];
    return ptr + count > start && ptr < end
      ? { of: 'kernel text', offset: BigInt(Math.max(ptr - start, 0)) }
      : undefined;
  }

  /** usercopy_abort() */
  private abort(refusal: Refusal, ptr: Ptr, count: number, toUser: boolean): never {
    const { of, detail, offset = 0n, size = BigInt(count) } = refusal;
    const how = toUser ? 'exposure attempt detected from' : 'overwrite attempt detected to';
    const what = detail === undefined ? of : `${of} '${detail}'`;
    const text = `usercopy: Kernel memory ${how} ${what} (offset ${offset}, size ${size})!`;
    this.k.log.line(text, LOGLEVEL_EMERG);
    throw new Oops('out-of-bounds', `kernel BUG at mm/usercopy.c:${BUG_LINE}!`, ptr, text);
  }
}
