import { PAGE_KERNEL } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import { RangeAllocator } from '../../kernel/mm/range-allocator.js';
import type { FreebsdKernel } from '../kernel.js';
import { DPCPU_BYTES, DPCPU_SET, VNET_BYTES, VNET_SET } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';

/** Alignment of what modules get of a set (dpcpu_alloc(), vnet_data_alloc()). */
const SET_ALIGN = 64;

/**
 * Variables that there is one of for each CPU (DPCPU_DEFINE) or each network stack (VNET_DEFINE): a set of initial values, at the
 * addresses that code is linked to, and copies of all of it. A copy's base is where it is minus where the set is.
 */
export class VariableSet {
  private readonly ranges: RangeAllocator;
  private readonly sizes = new Map<Ptr, number>();
  private readonly copies: Ptr[] = [];

  constructor(
    private readonly k: FreebsdKernel,
    readonly start: Ptr,
    private readonly bytes: number,
  ) {
    this.ranges = new RangeAllocator(start, start + bytes);
    k.space.map(start, bytes, PAGE_KERNEL);
  }

  /** Room for a module's variables, or a variable of the kernel's: undefined where there is none left. */
  allocate(size: number): Ptr | undefined {
    const at = this.ranges.allocate(Math.max(size, 1), SET_ALIGN);
    if (at === undefined) return undefined;
    this.sizes.set(at, Math.max(size, 1));
    this.k.space.bytes.fill(0, at, at + size);
    return at;
  }

  free(at: Ptr): void {
    const size = this.sizes.get(at);
    if (size === undefined) return;
    this.sizes.delete(at);
    this.ranges.release(at, size);
  }

  /** One more copy: where variables of it are is `offset` from where they are in the set. */
  newCopy(): Ptr {
    const { k } = this;
    const at = k.areas.allocate(this.bytes, 'variables');
    if (at === 0) throw new Error('no memory for a copy of the variables of a network stack');
    k.space.bytes.copyWithin(at, this.start, this.start + this.bytes);
    this.copies.push(at);
    return at;
  }

  freeCopy(at: Ptr): void {
    this.copies.splice(this.copies.indexOf(at), 1);
    this.k.areas.free(at);
  }

  /** Initial values have changed: copies get them too. */
  copy(at: Ptr, size: number): void {
    for (const copy of this.copies) this.k.space.bytes.copyWithin(copy + at - this.start, at, at + size);
  }

  /** A copy's base, as code adds it to the address of a variable. */
  baseOf(copy: Ptr): bigint {
    return BigInt.asUintN(64, this.k.space.toAddress(copy) - this.k.space.toAddress(this.start));
  }

  /** Where a variable of a copy is. */
  inCopy(copy: Ptr, variable: Ptr): Ptr {
    return copy + variable - this.start;
  }
}

/** The two sets, the CPU's copy of the one and network stacks' of the other. */
export class LinkerSets implements Subsystem {
  readonly exports = {};
  readonly pcpu: VariableSet;
  readonly vnet: VariableSet;
  /** The kernel's own variables in them. */
  private readonly own = new Map<string, Ptr>();

  constructor(private readonly k: FreebsdKernel) {
    this.pcpu = new VariableSet(k, DPCPU_SET, DPCPU_BYTES);
    this.vnet = new VariableSet(k, VNET_SET, VNET_BYTES);
    k.providers.push((name) => this.find(name));
  }

  boot(): void {
    const { k } = this;
    const copy = this.pcpu.newCopy();
    const base = this.pcpu.baseOf(copy);
    k.struct('pcpu').setBig(k.processes.pcpuAt, 'pc_dynamic', base);
    k.space.store64(k.variable('dpcpu_off', 8 * 256), base);
  }

  /** Where the set has a variable of the kernel's, `vnet_entry_ifnet`. */
  variable(name: string): Ptr {
    const known = this.own.get(name);
    if (known !== undefined) return known;
    const symbol = this.k.target.exports.get(name);
    const set = symbol?.kind === 'pcpu' ? this.pcpu : this.vnet;
    const at = set.allocate(symbol?.size || 64);
    if (at === undefined) throw new Error(`no room for ${name}`);
    this.own.set(name, at);
    return at;
  }

  private find(name: string): Ptr | undefined {
    return this.own.get(name);
  }
}
