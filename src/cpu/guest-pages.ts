import { type DeviceMemory, DevicePages } from './device-pages.js';
import { EndlessWork, GuestFault } from './fault.js';
import {
  CPU_AREA,
  CPU_AREA_SIZE,
  GRANULE,
  GRANULE_SHIFT,
  GUEST_LIMIT,
  NO_ACCESS,
  PAGE_SHIFT,
  PAGE_SIZE,
  type Ptr,
  TOP,
} from './layout.js';
import { checkMap, type MemoryMap } from './memory-map.js';
import { newMemory, PermissionTables, tablesAreAsNew } from './permission-tables.js';
import { scrubber as scrubberOf } from './scrub.js';
import { Shadow } from './shadow.js';
import { UserPages } from './user-pages.js';
import { WILD_BASE, WildPointers } from './wild-pointers.js';

export interface Permissions {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** Page protections as the kernel maps them; nothing is ever writable and executable. */
export const PAGE_KERNEL: Permissions = { read: true, write: true, execute: false };
export const PAGE_KERNEL_RO: Permissions = { read: true, write: false, execute: false };
export const PAGE_KERNEL_ROX: Permissions = { read: true, write: false, execute: true };

/** What a page may be used for while read-only mappings do not bind the kernel. */
const unbound = ({ read, write, execute }: Permissions): Permissions => ({
  read,
  write: read || write,
  execute,
});

/** A long access counts as one for each so many bytes. */
const LONG_ACCESS_SHIFT = 6;
export const LONG_ACCESS = 1 << LONG_ACCESS_SHIFT;

const MAPPED = 1;
const EXECUTE = 2;
/** The page was mapped at some time: it may hold something. */
const USED = 4;
/** Mapped for reading alone: CR0.WP says whether that binds the kernel. */
const READ_ONLY = 8;
/** Mapped, but somebody has yet to supply its bytes: see defer(). */
const DEFERRED = 16;
/** Was mapped by defer(), whether or not its bytes are there by now. */
const ON_DEMAND = 32;
/** What is there is no memory: every access is the device's to answer. */
const DEVICE = 64;

/** The pages of guest memory: one WebAssembly memory, who may do what with each page, and the conversion between 64-bit addresses and `Ptr`s. */
export class GuestPages {
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  private readonly tables: PermissionTables;
  /** Upper half at which each page may be read; index is linear >>> 12. */
  protected readonly readTable: Uint32Array;
  protected readonly writeTable: Uint32Array;
  /** Pages of the user region: what the system's own copies between it and the kernel ask. */
  readonly user: UserPages;
  /**
   * Accesses that TypeScript code has made, long ones by their length: what the work of the base kernel is measured by. Every
   * loop over what guest code has linked makes some.
   */
  accesses = 0;
  private allowedAccesses = Number.POSITIVE_INFINITY;
  private allowanceFrom = 0;
  /** Grows whenever a page becomes less accessible: checks that were made before may no longer hold. */
  restrictions = 0;
  private readonly pageFlags = new Uint8Array(GUEST_LIMIT / PAGE_SIZE);
  protected readonly granuleUpper = new Uint32Array(256);
  private readonly wild = new WildPointers();
  private readonly changeListeners: ((start: Ptr, bytes: number) => void)[] = [];
  readonly shadow: Shadow;
  private readonly devices: DevicePages;
  private released = false;

  /** Upper half of addresses in the direct map; the one of no address where there is none. */
  private readonly aliasUpper: number;

  /**
   * `memory`: what an address space that is no longer needed has given back (see release). Throws RangeError for a map that is none.
   */
  constructor(
    readonly memoryMap: MemoryMap,
    memory?: WebAssembly.Memory,
  ) {
    checkMap(memoryMap);
    this.memory = memory ?? newMemory();
    const buffer = this.memory.buffer;
    this.view = new DataView(buffer, 0, GUEST_LIMIT);
    this.bytes = new Uint8Array(buffer, 0, GUEST_LIMIT);
    this.tables = new PermissionTables(buffer);
    this.readTable = this.tables.read;
    this.writeTable = this.tables.write;
    this.user = new UserPages(this.tables, memoryMap.user);
    this.shadow = new Shadow(buffer, memoryMap.ram);
    this.devices = new DevicePages(this.bytes);
    this.granuleUpper.fill(0xffff_ffff);
    this.granuleUpper[0] = 0;
    this.aliasUpper = memoryMap.directMapUpper ?? NO_ACCESS;
    for (const region of [...memoryMap.regions, TOP]) {
      const first = region.start >>> GRANULE_SHIFT;
      this.granuleUpper.fill(region.upper, first, first + region.size / GRANULE);
    }
  }

  /**
   * Ends the address space; nothing may use it from then on. Returns its memory, which is as new, for another one: an engine
   * collects garbage whenever it is asked for 2 GiB, which takes longer than booting a machine. The tables of permissions are
   * looked at: should anything but this class have written there, another memory takes its place.
   */
  release(): WebAssembly.Memory {
    if (this.released) throw new Error('the address space was released before');
    this.released = true;
    const scrubber = scrubberOf(this.memory);
    for (let page = 0; page < this.pageFlags.length; ) {
      const end = this.endOfRun(page);
      if (this.pageFlags[page]) {
        scrubber.scrub(page * PAGE_SIZE, end * PAGE_SIZE);
        this.tables.forbid(page, end);
        this.shadow.forget(page * PAGE_SIZE, end * PAGE_SIZE);
      }
      page = end;
    }
    scrubber.scrub(CPU_AREA, CPU_AREA + CPU_AREA_SIZE);
    return tablesAreAsNew(scrubber) ? this.memory : newMemory();
  }

  /** First page after `page` that, unlike it, was never mapped, or was. */
  private endOfRun(page: number): number {
    const used = this.pageFlags[page] !== 0;
    let end = page + 1;
    while (end < this.pageFlags.length && (this.pageFlags[end] !== 0) === used) end++;
    return end;
  }

  /** Registers a function that is told when executable pages change: mapped, unmapped, or patched. */
  onCodeChange(listener: (start: Ptr, bytes: number) => void): void {
    this.changeListeners.push(listener);
  }

  /** Maps whole pages; their bytes are not touched. `start` and `bytes` are multiples of PAGE_SIZE. */
  map(start: Ptr, bytes: number, permissions: Permissions): void {
    this.setPages(start, bytes, permissions, MAPPED | (permissions.execute ? EXECUTE : 0));
  }

  /** Changes the protection of mapped pages, as set_memory_ro and its kin do. */
  protect(start: Ptr, bytes: number, permissions: Permissions): void {
    this.map(start, bytes, permissions);
  }

  /**
   * Maps pages whose bytes are not there yet: `supplier` is asked for a page when something first reads, writes or executes what is
   * in it, and has to call `supply` for it. What they hold until then is left as it is.
   */
  defer(start: Ptr, bytes: number, permissions: Permissions, supplier: (page: Ptr) => void): void {
    this.setPages(start, bytes, undefined, MAPPED | (permissions.execute ? EXECUTE : 0));
    this.supplier = supplier;
    for (let page = start >>> PAGE_SHIFT; page < (start + bytes) >>> PAGE_SHIFT; page++)
      this.pageFlags[page] |= DEFERRED | ON_DEMAND | (permissions.write ? 0 : READ_ONLY);
  }

  /**
   * Maps pages at which a device answers, until they are unmapped. Machine code's accesses, and those of CheckedMemory, reach it by width and
   * address; TypeScript's loads read it, its stores are refused: `writeDevice` is theirs.
   */
  mapDevice(start: Ptr, bytes: number, device: DeviceMemory): void {
    this.setPages(start, bytes, undefined, MAPPED | DEVICE);
    this.devices.add(start, bytes, device);
  }

  isDevice(ptr: Ptr): boolean {
    return ptr >= 0 && ptr < GUEST_LIMIT && (this.pageFlags[ptr >>> PAGE_SHIFT] & DEVICE) !== 0;
  }

  /** Has the device that is at a pointer fill the bytes there. */
  readDevice(ptr: Ptr, bytes: number): void {
    this.devices.read(ptr, bytes);
  }

  /** Tells the device that is at a pointer what the bytes there were changed to. */
  writeDevice(ptr: Ptr, bytes: number): void {
    this.devices.written(ptr, bytes);
  }

  private supplier: ((page: Ptr) => void) | undefined;
  /** Pages that were supplied. */
  supplied = 0;

  /** The bytes of a deferred page are there: it may be used from now on. */
  supply(page: Ptr): void {
    const number = page >>> PAGE_SHIFT;
    const flags = this.pageFlags[number] & ~DEFERRED;
    this.pageFlags[number] = flags;
    this.supplied++;
    const permissions = { read: true, write: (flags & READ_ONLY) === 0 };
    const upper = this.granuleUpper[number >>> (GRANULE_SHIFT - PAGE_SHIFT)];
    this.tables.allow(number, upper, this.bound ? permissions : { read: true, write: true });
  }

  isDeferred(ptr: Ptr): boolean {
    return ptr < GUEST_LIMIT && (this.pageFlags[ptr >>> PAGE_SHIFT] & DEFERRED) !== 0;
  }

  /** Whether the page that a pointer is in comes, or came, only when something needed it. */
  isOnDemand(ptr: Ptr): boolean {
    return ptr < GUEST_LIMIT && (this.pageFlags[ptr >>> PAGE_SHIFT] & ON_DEMAND) !== 0;
  }

  /** Has the page that a pointer is in supplied, if it is deferred. Whether it was. */
  bringIn(ptr: Ptr): boolean {
    const page = ptr >>> PAGE_SHIFT;
    if (!(ptr < GUEST_LIMIT) || (this.pageFlags[page] & DEFERRED) === 0) return false;
    this.supplier!(page * PAGE_SIZE);
    return true;
  }

  /** Removes pages; with `scrub` their bytes are zeroed too, so that a later mapping starts clean. */
  unmap(start: Ptr, bytes: number, scrub = true): void {
    this.setPages(start, bytes, undefined, 0);
    if (scrub) this.bytes.fill(0, start, start + bytes);
  }

  /**
   * Has machine code check each access to mapped pages of RAM with the shadow, until they are unmapped. At first
   * everything may be accessed.
   */
  watch(start: Ptr, bytes: number): void {
    for (let page = start >>> PAGE_SHIFT; page < (start + bytes) >>> PAGE_SHIFT; page++)
      this.tables.watch(page);
    this.shadow.forget(start, start + bytes);
  }

  isWatched(ptr: Ptr): boolean {
    return ptr >= 0 && ptr < GUEST_LIMIT && this.tables.isWatched(ptr >>> PAGE_SHIFT);
  }

  /**
   * How many more accesses are allowed before one throws EndlessWork, which renews the allowance: whoever handles the error
   * looks at guest memory too. Returns what was left.
   */
  allowAccesses(count: number): number {
    const left = this.allowedAccesses - this.accesses;
    this.allowanceFrom = this.accesses;
    this.allowedAccesses = this.accesses + count;
    return left;
  }

  /**
   * CR0.WP (Intel SDM volume 3, 2.5): whether pages that are mapped read-only are so for the kernel too. Code that was written to
   * meanwhile is translated anew once it is set again.
   */
  get writeProtect(): boolean {
    return this.bound;
  }

  set writeProtect(value: boolean) {
    if (this.bound === value) return;
    this.bound = value;
    if (value) this.restrictions++;
    for (let page = 0; page < this.pageFlags.length; page++) {
      const flags = this.pageFlags[page];
      if (!(flags & READ_ONLY) || (flags & DEFERRED) !== 0 || this.user.has(page)) continue;
      const upper = this.granuleUpper[page >>> (GRANULE_SHIFT - PAGE_SHIFT)];
      this.tables.allow(page, upper, { read: true, write: !value });
      if (value && flags & EXECUTE) this.codeChanged(page * PAGE_SIZE, PAGE_SIZE);
    }
  }

  private bound = true;

  isMapped(ptr: Ptr): boolean {
    return ptr < GUEST_LIMIT && (this.pageFlags[ptr >>> PAGE_SHIFT] & MAPPED) !== 0;
  }

  isExecutable(ptr: Ptr): boolean {
    return ptr < GUEST_LIMIT && (this.pageFlags[ptr >>> PAGE_SHIFT] & EXECUTE) !== 0;
  }

  canRead(ptr: Ptr, bytes = 1): boolean {
    return this.allowed(this.readTable, ptr, bytes);
  }

  canWrite(ptr: Ptr, bytes = 1): boolean {
    return this.allowed(this.writeTable, ptr, bytes);
  }

  /** How many of `bytes` bytes from a pointer on can be read before the first that cannot. */
  readableFrom(ptr: Ptr, bytes: number): number {
    return this.allowedFrom(this.readTable, ptr, bytes);
  }

  /** Writes text that is mapped read-only, as text_poke does, and drops translations of it. */
  patch(start: Ptr, data: Uint8Array): void {
    this.bytes.set(data, start);
    this.codeChanged(start, data.length);
  }

  /** The 64-bit address of a pointer, as an unsigned bigint. */
  toAddress(ptr: Ptr): bigint {
    if (ptr < GRANULE) return BigInt(ptr);
    if (ptr >= WILD_BASE) return this.wild.addressOf(ptr);
    return (BigInt(this.upperOf(ptr)) << 32n) | BigInt((ptr ^ 0x8000_0000) >>> 0);
  }

  /** Upper 32 bits of a pointer's address, for pointers below 2^32. */
  upperOf(ptr: Ptr): number {
    return this.granuleUpper[ptr >>> GRANULE_SHIFT];
  }

  /** Whether addresses with this upper half are those of a pointer: its own, or its alias in the direct map. */
  isAt(ptr: Ptr, upper: number): boolean {
    return upper === this.granuleUpper[ptr >>> GRANULE_SHIFT] || upper === this.aliasUpper;
  }

  fromAddress(address: bigint): Ptr {
    const value = BigInt.asUintN(64, address);
    return this.fromHalves(Number(value & 0xffff_ffffn), Number(value >> 32n));
  }

  /**
   * The pointer for an address given as two unsigned 32-bit halves. Small addresses (NULL and what is near
   * it, per-CPU offsets) stand for themselves; a direct-map alias becomes the page's own address; an address
   * in no region becomes a number from 2^32 up that stands for it, faults when used, and converts back.
   */
  fromHalves(low: number, high: number): Ptr {
    const linear = (low ^ 0x8000_0000) >>> 0;
    if (linear >= GRANULE && linear < GUEST_LIMIT) {
      if (this.isAt(linear, high)) return linear;
    } else if (high === 0 && low < GRANULE) return low;
    return this.wild.of((BigInt(high) << 32n) | BigInt(low));
  }

  private allowed(table: Uint32Array, ptr: Ptr, bytes: number): boolean {
    if (!(ptr >= 0) || ptr + bytes > GUEST_LIMIT) return false;
    const last = (ptr + Math.max(bytes, 1) - 1) >>> PAGE_SHIFT;
    for (let page = ptr >>> PAGE_SHIFT; page <= last; page++) {
      if (table[page] !== NO_ACCESS) continue;
      if (!this.bringIn(page * PAGE_SIZE) || table[page] === NO_ACCESS) return false;
    }
    return true;
  }

  private allowedFrom(table: Uint32Array, ptr: Ptr, bytes: number): number {
    if (this.allowed(table, ptr, bytes)) return bytes;
    let done = 0;
    while (done < bytes) {
      const step = Math.min(bytes - done, PAGE_SIZE - ((ptr + done) % PAGE_SIZE));
      if (!this.allowed(table, ptr + done, step)) break;
      done += step;
    }
    return done;
  }

  /** Counts an access. Throws GuestFault where it is not allowed. */
  protected check(table: Uint32Array, ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
    this.accesses += bytes > LONG_ACCESS ? bytes >>> LONG_ACCESS_SHIFT : 1;
    if (this.accesses > this.allowedAccesses) this.endless();
    if (ptr < GUEST_LIMIT && (ptr & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE) {
      if (table[ptr >>> PAGE_SHIFT] !== NO_ACCESS) return;
      if (this.bringIn(ptr) && table[ptr >>> PAGE_SHIFT] !== NO_ACCESS) return;
      if (access === 'read' && this.isDevice(ptr)) {
        this.readDevice(ptr, bytes);
        return;
      }
    } else if (bytes === 0 || this.allowed(table, ptr, bytes)) return;
    const good = ptr < GUEST_LIMIT ? this.allowedFrom(table, ptr, bytes) : 0;
    throw new GuestFault(this.toAddress(ptr + good), access, bytes - good);
  }

  private endless(): never {
    const count = this.accesses - this.allowanceFrom;
    this.allowAccesses(count);
    throw new EndlessWork(count);
  }

  private setPages(start: Ptr, bytes: number, permissions: Permissions | undefined, flags: number): void {
    if (this.released) throw new Error('the address space was released');
    if ((start | bytes) & (PAGE_SIZE - 1) || start < GRANULE || start + bytes > TOP.start)
      throw new RangeError(`bad page range 0x${start.toString(16)}+0x${bytes.toString(16)}`);
    let wasCode = false;
    let wasDevice = false;
    for (let page = start >>> PAGE_SHIFT; page < (start + bytes) >>> PAGE_SHIFT; page++) {
      wasCode ||= (this.pageFlags[page] & EXECUTE) !== 0;
      wasDevice ||= (this.pageFlags[page] & DEVICE) !== 0;
      const upper = this.granuleUpper[page >>> (GRANULE_SHIFT - PAGE_SHIFT)];
      const readOnly = permissions?.read && !permissions.write;
      this.pageFlags[page] = flags | USED | (readOnly ? READ_ONLY : 0);
      if (this.writeTable[page] !== NO_ACCESS && !permissions?.write) this.restrictions++;
      if (this.user.has(page)) this.user.set(page, permissions);
      else if (permissions) this.tables.allow(page, upper, this.bound ? permissions : unbound(permissions));
      else this.tables.forbid(page, page + 1);
    }
    if (wasDevice) this.devices.remove(start, start + bytes);
    if (wasCode) this.codeChanged(start, bytes);
  }

  private codeChanged(start: Ptr, bytes: number): void {
    for (const listener of this.changeListeners) listener(start, bytes);
  }
}
