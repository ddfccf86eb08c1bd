import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { SlabDefect } from '../../kernel/mm/slab.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';

/** What a malloc type has allocated: struct malloc_type_stats. */
interface TypeStats {
  allocations: number;
  bytes: number;
}

/** Types that the kernel's own code declares and modules use: their short descriptions (vmstat -m). */
const OWN_TYPES: Readonly<Record<string, string>> = {
  M_CACHE: 'cache',
  M_DEVBUF: 'devbuf',
  M_TEMP: 'temp',
  M_IOV: 'iov',
  M_IFADDR: 'ifaddr',
  M_IFNET: 'ifnet',
  M_RTABLE: 'routetbl',
  M_SONAME: 'soname',
  M_PCB: 'pcb',
  M_CRED: 'cred',
  M_BUS: 'bus',
  M_GEOM: 'GEOM',
  M_CRYPTO_DATA: 'crypto',
  M_VNODE: 'vnodes',
  M_MOUNT: 'mount',
  M_STATFS: 'statfs',
  M_ACL: 'acl',
  M_PARGS: 'proc-args',
  M_SESSION: 'session',
  M_PROC: 'proc',
  M_TTY: 'tty',
  M_FADVISE: 'fadvise',
  M_80211_VAP: '80211vap',
  M_MLXEN: 'mlx4en',
};

/** malloc(9) (sys/kern/kern_malloc.c): memory of zones by size, accounted by type. */
export class Malloc implements Subsystem {
  private readonly stats = new Map<Ptr, TypeStats>();
  /** The type that memory was allocated with. */
  private readonly typeOf = new Map<Ptr, Ptr>();

  constructor(private readonly k: FreebsdKernel) {
    k.slab.onDefect = (defect) => this.report(defect);
  }

  readonly exports = {
    malloc: (size: number, type: Ptr, flags: number) => this.malloc(size, type, flags),
    malloc_domainset: (size: number, type: Ptr, _domains: Ptr, flags: number) =>
      this.malloc(size, type, flags),
    malloc_exec: (size: number, type: Ptr, flags: number) => this.malloc(size, type, flags),
    malloc_aligned: (size: number, align: number, type: Ptr, flags: number) =>
      this.malloc(Math.max(size, align), type, flags),
    malloc_domainset_aligned: (size: number, align: number, type: Ptr, _domains: Ptr, flags: number) =>
      this.malloc(Math.max(size, align), type, flags),
    mallocarray: (count: number, size: number, type: Ptr, flags: number) =>
      this.array(count, size, type, flags),
    mallocarray_domainset: (count: number, size: number, type: Ptr, _domains: Ptr, flags: number) =>
      this.array(count, size, type, flags),
    free: (ptr: Ptr, type: Ptr) => this.free(ptr, type),
    zfree: (ptr: Ptr, type: Ptr) => this.zfree(ptr, type),
    realloc: (ptr: Ptr, size: number, type: Ptr, flags: number) => this.realloc(ptr, size, type, flags),
    reallocf: (ptr: Ptr, size: number, type: Ptr, flags: number) => {
      const fresh = this.realloc(ptr, size, type, flags);
      if (fresh === 0 && ptr !== 0) this.free(ptr, type);
      return fresh;
    },
    malloc_usable_size: (ptr: Ptr) => (ptr === 0 ? 0 : this.k.slab.usableSize(ptr)),
    contigmalloc: (size: number, type: Ptr, flags: number, low: bigint, high: bigint, align: number) =>
      this.contiguous(size, type, flags, low, high, align),
    contigmalloc_domainset: (
      size: number,
      type: Ptr,
      _domains: Ptr,
      flags: number,
      low: bigint,
      high: bigint,
      align: number,
    ) => this.contiguous(size, type, flags, low, high, align),
    contigfree: (ptr: Ptr, _size: number, type: Ptr) => this.free(ptr, type),
    malloc_init: (type: Ptr) => this.init(type),
    malloc_uninit: (type: Ptr) => this.uninit(type),
    malloc_type_allocated: (type: Ptr, size: number) => this.account(type, 1, size),
    malloc_type_freed: (type: Ptr, size: number) => this.account(type, -1, -size),
    strdup: (text: Ptr, type: Ptr) => this.strdup(text, type, this.k.macro('M_WAITOK')),
    strdup_flags: (text: Ptr, type: Ptr, flags: number) => this.strdup(text, type, flags),
    strndup: (text: Ptr, most: number, type: Ptr) => this.strdup(text, type, this.k.macro('M_WAITOK'), most),
  };

  readonly signatures = {
    contigmalloc: 'p:LpiQQLL',
    contigmalloc_domainset: 'p:LppiQQLL',
  };

  readonly data = Object.fromEntries(
    Object.entries(OWN_TYPES).map(([name, text]) => [name, (at: Ptr) => this.fillType(at, text)]),
  );

  private fillType(at: Ptr, text: string): void {
    const type = this.k.struct('malloc_type');
    type.set(at, 'ks_version', this.k.macro('M_VERSION'));
    type.set(at, 'ks_shortdesc', this.k.constantString(text));
    this.init(at);
  }

  /** malloc(9): 0 only where M_NOWAIT allows it. */
  malloc(size: number, type: Ptr, flags: number): Ptr {
    const { k } = this;
    const wait = (flags & k.macro('M_WAITOK')) !== 0;
    if (wait) k.get(Locks).mightSleep(`malloc(M_WAITOK) of "${this.nameOf(type)}"`);
    // Nobody has objects of no size: the smallest zone serves them.
    const ptr = k.slab.allocateBytes(Math.max(size, 1), (flags & k.macro('M_ZERO')) !== 0, true);
    if (ptr === 0) {
      if (wait) throw new Panic(`kmem_malloc(${size}): kmem_map too small`, 'out-of-memory');
      return 0;
    }
    if (size > LARGEST_ZONE && (flags & k.macro('M_ZERO')) !== 0) k.space.writable(ptr, size).fill(0);
    this.typeOf.set(ptr, type);
    this.account(type, 1, size);
    return ptr;
  }

  private array(count: number, size: number, type: Ptr, flags: number): Ptr {
    if (count * size <= Number.MAX_SAFE_INTEGER) return this.malloc(count * size, type, flags);
    if (flags & this.k.macro('M_NOWAIT')) return 0;
    throw new Panic(`mallocarray: ${count} * ${size} overflowed`);
  }

  private contiguous(size: number, type: Ptr, flags: number, low: bigint, high: bigint, align: number): Ptr {
    const ptr = this.malloc(Math.max(size, align, PAGE_SIZE), type, flags);
    if (ptr === 0) return 0;
    const physical = this.k.space.toAddress(ptr) & 0xffff_ffffn;
    if (physical >= low && physical + BigInt(size) - 1n <= high) return ptr;
    this.free(ptr, type);
    return 0;
  }

  /** free(9). NULL is fine; what is no live memory is reported. */
  free(ptr: Ptr, type: Ptr): void {
    if (ptr === 0) return;
    const { k } = this;
    const size = k.ledger.get(ptr)?.size ?? 0;
    const zone = k.slab.cacheOf(ptr)?.options.name ?? 'large';
    const result = k.slab.free(ptr);
    if (result.kind === 'freed') {
      if (result.defect) this.report(result.defect);
      k.get(Locks).forgetIn(ptr, size);
      const owner = this.typeOf.get(ptr) ?? type;
      this.typeOf.delete(ptr);
      if (owner !== type && type !== 0) this.tellOfOtherType(ptr, owner, type);
      this.account(owner, -1, -size);
      return;
    }
    const address = `0x${k.space.toAddress(ptr).toString(16)}`;
    if (result.kind === 'double-free') {
      const by = k.get(Code).symbolize(result.freedBy);
      const message = `Duplicate free of ${address} from zone ${zone}, freed before in ${by}`;
      k.trap.reports.add({ kind: 'double-free', message, address: k.space.toAddress(ptr) });
      return;
    }
    const within = k.slab.objectFor(ptr);
    const text = within
      ? `free: address ${address} is ${ptr - within.ptr} bytes into an object of zone ${within.cache.options.name}`
      : `free: address ${address}(${address}) has not been allocated`;
    throw new Panic(text, 'bad-free', ptr);
  }

  /** The kernel would count memory of one type as given back to another. */
  private tellOfOtherType(ptr: Ptr, owner: Ptr, type: Ptr): void {
    const { k } = this;
    const text = `free of memory of type "${this.nameOf(owner)}" as type "${this.nameOf(type)}"`;
    k.trap.reports.add({ kind: 'bad-free', message: text, address: k.space.toAddress(ptr) });
  }

  private zfree(ptr: Ptr, type: Ptr): void {
    const size = this.k.ledger.get(ptr)?.size ?? 0;
    if (ptr !== 0 && size > 0) this.k.space.bytes.fill(0, ptr, ptr + size);
    this.free(ptr, type);
  }

  private realloc(ptr: Ptr, size: number, type: Ptr, flags: number): Ptr {
    if (ptr === 0) return this.malloc(size, type, flags);
    const old = this.k.ledger.get(ptr)?.size;
    if (old === undefined) {
      this.free(ptr, type);
      return 0;
    }
    const fresh = this.malloc(size, type, flags);
    if (fresh === 0) return 0;
    this.k.space.bytes.copyWithin(fresh, ptr, ptr + Math.min(old, size));
    this.free(ptr, type);
    return fresh;
  }

  private strdup(text: Ptr, type: Ptr, flags: number, most = Number.POSITIVE_INFINITY): Ptr {
    const copy = this.k.space.cstring(text, most);
    const ptr = this.malloc(copy.length + 1, type, flags);
    if (ptr !== 0) this.k.space.storeCstring(ptr, copy);
    return ptr;
  }

  nameOf(type: Ptr): string {
    return type === 0 ? '' : this.k.struct('malloc_type').string(type, 'ks_shortdesc');
  }

  private init(type: Ptr): void {
    const version = this.k.struct('malloc_type').get(type, 'ks_version');
    if (version !== this.k.macro('M_VERSION')) throw new Panic('malloc_init: type too old.');
    this.stats.set(type, { allocations: 0, bytes: 0 });
  }

  /** What is still allocated of a type that goes is told of, as the kernel does. */
  private uninit(type: Ptr): void {
    const stats = this.stats.get(type);
    this.stats.delete(type);
    if (!stats || stats.bytes <= 0) return;
    const what = `${this.nameOf(type)} leaked memory on destroy (${stats.allocations} allocations, ${stats.bytes} bytes leaked).`;
    this.k.log.line(`Warning: memory type ${what}`, LOGLEVEL_WARNING);
  }

  private account(type: Ptr, allocations: number, bytes: number): void {
    const stats = this.stats.get(type);
    if (!stats) return;
    stats.allocations += allocations;
    stats.bytes += bytes;
  }

  /** Types that are known, with what they have allocated: vmstat -m. */
  *types(): Generator<{ readonly name: string; readonly allocations: number; readonly bytes: number }> {
    for (const [type, stats] of this.stats) yield { name: this.nameOf(type), ...stats };
  }

  /** A write out of bounds or after the memory was freed; once, where it was seen being made. */
  report(defect: SlabDefect): void {
    const { k } = this;
    if (k.trap.slabAccesses.takeWritten(defect.ptr)) return;
    const { history } = k.get(Code);
    const by = history.symbolize(defect.caller, defect.serial);
    const after = defect.kind === 'use-after-free';
    const at = `0x${k.space.toAddress(defect.ptr).toString(16)}`;
    const message = after
      ? `Memory modified after free ${at}(${defect.size}) offset ${defect.at - defect.ptr} of ${defect.cache}, freed in ${by}`
      : `Memory written beyond ${at}(${defect.size}) offset ${defect.at - defect.ptr} of ${defect.cache}, allocated in ${by}`;
    const culprit = history.moduleName(defect.caller, defect.serial);
    const kind = after ? 'use-after-free' : 'out-of-bounds';
    k.trap.reports.add({ kind, message, address: k.space.toAddress(defect.at), ...(culprit && { culprit }) });
  }
}

/** What is larger gets pages. */
const LARGEST_ZONE = 65536;
