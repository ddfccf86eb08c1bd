import type { AddressSpace } from './address-space.js';
import type { CpuContract, EntryGuard, Exit, HostFunction, Platform, Thunk } from './cpu-types.js';
import type { CodeObserver, Instrumentation } from './instrumentation.js';
import { GUEST_LIMIT, type Ptr } from './layout.js';
import type { MemoryMap } from './memory-map.js';
import { CodeCache, type TranslationStore } from './runtime/code-cache.js';
import { CodeKnowledge } from './runtime/code-source.js';
import { DeviceAccess } from './runtime/device-access.js';
import { hostStackExit, hostTrap, resolveSite } from './runtime/exits.js';
import { CheckedMemory, CpuFault } from './runtime/guest-memory.js';
import {
  DEPTH_LEFT,
  EXIT_AT_SITE,
  EXIT_BY_HOST,
  EXIT_CODE,
  EXIT_CONTINUE,
  EXIT_SITE,
  EXIT_UNIT,
  MXCSR,
} from './runtime/layout.js';
import { type Glue, instantiateGlue } from './runtime/linkage.js';
import { defaultPlatform } from './runtime/platform.js';
import { Registers } from './runtime/registers.js';
import type { Slots } from './runtime/slots.js';
import { executeSlow, type SlowContext } from './runtime/slow.js';
import { Teller } from './runtime/teller.js';
import { UnitTable } from './runtime/units.js';

export interface CpuOptions {
  readonly platform?: Partial<Platform>;
  /** Where translations are kept; one for all processors of a memory map by default. */
  readonly codeCache?: CodeCache;
  /** Where that one keeps translations for other processes. */
  readonly translations?: TranslationStore;
  /** Text of one instruction, for those that are not translated. Without it their bytes are shown. */
  readonly disassemble?: (code: Uint8Array, address: bigint) => string | undefined;
}

/** Bytes of host stack that nested guest calls may take, by estimate. Node's and browsers' are near 1 MB. */
const HOST_STACK = 330_000;
/** What a recursive run() gets at least, and how many of them there may be. */
const NESTED_STACK = 8 * 640;
const MAX_NESTING = 48;
const RETURN_LOW = 0xff00_0000;
const RETURN_HIGH = 0xffff_ffff;

/** Translations hold addresses, so each map has its own; and so has each store. */
const sharedCaches = new WeakMap<MemoryMap, WeakMap<object, CodeCache>>();
const NO_STORE = {};

function sharedCache({ memoryMap, memory }: AddressSpace, store?: TranslationStore): CodeCache {
  const ofMap = sharedCaches.get(memoryMap) ?? new WeakMap<object, CodeCache>();
  sharedCaches.set(memoryMap, ofMap);
  const known = ofMap.get(store ?? NO_STORE);
  if (known) return known;
  const cache = new CodeCache(store, JSON.stringify([memoryMap, memory.buffer.byteLength]));
  ofMap.set(store ?? NO_STORE, cache);
  return cache;
}

/** A virtual x86-64 processor: see README.md. */
export class Cpu implements CpuContract {
  /** What it asks its surroundings. */
  readonly platform: Platform;
  private readonly regs: Registers;
  private readonly knowledge: CodeKnowledge;
  private readonly memory: CheckedMemory;
  private readonly slow: SlowContext;
  private readonly units: UnitTable;
  private glue: Glue;
  private readonly cache: CodeCache;
  private readonly slots: Slots;
  private readonly hostBySlot: (HostFunction | undefined)[] = [];
  private nesting = 0;
  private readonly teller: Teller;
  private readonly devices: DeviceAccess;
  private unwindRequested = false;
  private hostExit: Exit | undefined;
  private hostError: { readonly error: unknown } | undefined;
  /** Fuel when it was last set, and what had been used until then. */
  private granted = 0;
  private elapsedBefore = 0;
  private charged = 0;

  constructor(
    readonly space: AddressSpace,
    options: CpuOptions = {},
  ) {
    const cache = options.codeCache ?? sharedCache(space, options.translations);
    this.cache = cache;
    this.slots = cache.slotsForCpu();
    this.regs = new Registers(space);
    this.knowledge = new CodeKnowledge(space);
    this.memory = new CheckedMemory(space, this.regs);
    this.teller = new Teller(this.regs, this.knowledge);
    this.devices = new DeviceAccess(this.regs);
    this.platform = { ...defaultPlatform(() => this.executed), ...options.platform };
    const { disassemble } = options;
    this.slow = { regs: this.regs, memory: this.memory, platform: this.platform, disassemble };
    const table = newTable();
    this.glue = this.glueFor(table);
    this.units = new UnitTable(space, this.knowledge, cache, this.slots, table, this.glue);
    space.onCodeChange((start, bytes) => {
      this.units.invalidate(start, bytes);
      this.teller.forget(start, bytes);
    });
    this.fuel = Number.MAX_SAFE_INTEGER;
  }

  bindHost(address: Ptr, fn: HostFunction): void {
    const slot = this.slots.of(address);
    const known = this.knowledge.hosts.isBound(address);
    this.hostBySlot[slot] = fn;
    if (known) return;
    this.knowledge.hosts.add(address);
    this.units.environmentChanged(address);
  }

  unbindHost(address: Ptr): void {
    if (!this.knowledge.hosts.delete(address)) return;
    this.hostBySlot[this.slots.of(address)] = undefined;
    this.units.environmentChanged(address);
  }

  guard(guard: EntryGuard): void {
    this.knowledge.hosts.guard = guard;
  }

  entryChanged(address: Ptr): void {
    this.units.environmentChanged(address);
  }

  setThunk(address: Ptr, thunk: Thunk): void {
    this.knowledge.thunks.set(address, thunk);
    this.units.environmentChanged(address);
  }

  setNoReturn(address: Ptr): void {
    this.knowledge.noReturn.add(address);
    this.units.environmentChanged(address);
  }

  get(register: number): bigint {
    return this.regs.get(register);
  }

  set(register: number, value: bigint): void {
    this.regs.set(register, value);
  }

  getInt(register: number): number {
    return this.regs.low(register) | 0;
  }

  getPtr(register: number): Ptr {
    return this.space.fromHalves(this.regs.low(register), this.regs.high(register));
  }

  setPtr(register: number, value: Ptr): void {
    if (value > 0xff_ffff && value < GUEST_LIMIT)
      this.regs.setHalves(register, value ^ 0x8000_0000, this.space.upperOf(value));
    else this.regs.set(register, this.space.toAddress(value));
  }

  get rip(): bigint {
    return this.regs.rip;
  }

  set rip(value: bigint) {
    this.regs.rip = value;
  }

  get rflags(): bigint {
    return BigInt(this.regs.flags);
  }

  set rflags(value: bigint) {
    this.regs.flags = Number(value & 0xffff_ffffn);
  }

  get gsBase(): bigint {
    return this.regs.gsBase;
  }

  set gsBase(value: bigint) {
    this.regs.gsBase = value;
  }

  get mxcsr(): number {
    return this.regs.u32(MXCSR);
  }

  set mxcsr(value: number) {
    this.regs.setU32(MXCSR, value);
  }

  get fuel(): number {
    return this.regs.fuel;
  }

  set fuel(value: number) {
    this.elapsedBefore = this.elapsed;
    this.granted = value;
    this.regs.fuel = value;
  }

  get elapsed(): number {
    // In this order: fuel may be the largest integer that is exact, and a sum with it is not.
    return this.elapsedBefore + (this.granted - this.regs.fuel);
  }

  get executed(): number {
    return this.elapsed - this.charged;
  }

  charge(instructions: number): void {
    this.charged += instructions;
    this.regs.burn(instructions);
  }

  get interruptsEnabled(): boolean {
    return (this.regs.flags & 0x200) !== 0;
  }

  set interruptsEnabled(value: boolean) {
    this.regs.flags = value ? this.regs.flags | 0x200 : this.regs.flags & ~0x200;
  }

  unwind(): void {
    this.unwindRequested = true;
  }

  saveContext(): ArrayBufferLike {
    return this.regs.save();
  }

  loadContext(context: ArrayBufferLike): void {
    this.regs.load(context);
  }

  instrument(what: Instrumentation, observer: CodeObserver): void {
    this.teller.begin(observer);
    this.units.instrument(what);
  }

  /** Has the store of translations, if there is one, make sure that other processes find them. */
  keepTranslations(): void {
    this.cache.flush();
  }

  run(): Exit {
    if (this.nesting >= MAX_NESTING) return hostStackExit();
    const outerDepth = this.nesting === 0 ? HOST_STACK : this.regs.u32(DEPTH_LEFT);
    const outerUnwind = this.unwindRequested;
    const depth = this.nesting === 0 ? HOST_STACK : Math.max(NESTED_STACK, outerDepth - 10_000);
    this.nesting++;
    try {
      return this.runLoop(depth);
    } finally {
      this.nesting--;
      this.unwindRequested = outerUnwind;
      this.regs.setU32(DEPTH_LEFT, outerDepth);
      if (this.nesting === 0) this.tidy();
    }
  }

  private glueFor(table: WebAssembly.Table): Glue {
    return instantiateGlue(this.space, table, {
      translate: (slot) => this.translate(slot),
      resolve: () => this.resolve(),
      hostPop: (slot) => this.callHost(slot) || this.pop(),
      host: (slot) => this.callHost(slot),
      slow: (unit, site) => this.executeSlow(unit, site),
      pop: () => void this.pop(),
      tell: (what, at) => this.teller.tell(what, at),
      device: (linear, upper, what) => this.devices.access(linear, upper, what),
      deviceWrite: () => this.devices.written(),
    });
  }

  /** No translated code is active. */
  private tidy(): void {
    this.units.forgetStale();
    if (!this.units.worn) return;
    const table = newTable();
    this.glue = this.glueFor(table);
    this.units.renew(table, this.glue);
  }

  private runLoop(depth: number): Exit {
    const { regs, space } = this;
    for (;;) {
      const low = regs.ripLow;
      const high = regs.ripHigh;
      if (low === RETURN_LOW && high === RETURN_HIGH) return { kind: 'returned' };
      if (regs.fuel <= 0) return { kind: 'budget' };
      const ptr = (low ^ 0x8000_0000) >>> 0;
      const known = ptr < GUEST_LIMIT && space.upperOf(ptr) === high;
      if (!known || !(this.knowledge.isExecutable(ptr) || this.knowledge.hosts.has(ptr)))
        return { kind: 'exception', exception: { vector: 'PF', address: regs.rip, access: 'execute' } };
      let exited: number;
      try {
        exited = this.glue.enter(this.slots.of(this.units.prepare(ptr)), depth);
      } catch (error) {
        return hostTrap(error);
      }
      if (exited === 0) continue;
      const exit = this.exit();
      if (exit) return exit;
    }
  }

  /** Why translated code came back early; undefined: go on at RIP. */
  private exit(): Exit | undefined {
    const { regs } = this;
    switch (regs.u32(EXIT_CODE)) {
      case EXIT_AT_SITE: {
        const unit = this.units.byNumber(regs.u32(EXIT_UNIT));
        return resolveSite(this.slow, this.units, unit, regs.u32(EXIT_SITE));
      }
      case EXIT_BY_HOST: {
        const { hostError, hostExit } = this;
        this.hostError = undefined;
        this.hostExit = undefined;
        if (hostError) throw hostError.error;
        return hostExit;
      }
      default:
        return undefined;
    }
  }

  private leave(code: number): number {
    this.regs.setU32(EXIT_CODE, code);
    return 1;
  }

  private leaveWith(exit: Exit): number {
    this.hostExit = exit;
    return this.leave(EXIT_BY_HOST);
  }

  /** Calls the host function of a slot. Non-zero: unwind. */
  private callHost(slot: number): number {
    const { regs, space } = this;
    const ptr = this.slots.ptrOf(slot);
    const fn = this.hostBySlot[slot] ?? this.arriveAt(slot, ptr);
    regs.setRipHalves(ptr ^ 0x8000_0000, space.upperOf(ptr));
    if (!fn) return this.leave(EXIT_CONTINUE); // unbound meanwhile: faults there
    const version = this.units.version + space.restrictions;
    this.unwindRequested = false;
    try {
      fn();
    } catch (error) {
      this.unwindRequested = false;
      if (error instanceof RangeError && /call stack/.test(error.message))
        return this.leaveWith(hostStackExit());
      this.hostError = { error };
      return this.leave(EXIT_BY_HOST);
    }
    if (this.unwindRequested) {
      this.unwindRequested = false;
      return this.leaveWith({ kind: 'unwound' });
    }
    // Code was changed, or a page is gone whose check translated code relies on: all frames return, and it
    // goes on flat.
    if (version !== this.units.version + space.restrictions) return this.pop() || this.leave(EXIT_CONTINUE);
    return 0;
  }

  /** Nobody has bound the address of a slot that the host is called at: its guard knows what to do. */
  private arriveAt(slot: number, ptr: Ptr): HostFunction | undefined {
    const { guard } = this.knowledge.hosts;
    if (guard?.stops(ptr)) guard.arrived(ptr);
    return this.hostBySlot[slot];
  }

  /** Pops the return address into RIP, as `ret` does. Non-zero: it faulted. */
  private pop(): number {
    const { regs } = this;
    this.regs.setU32(EXIT_CODE, EXIT_CONTINUE);
    const rsp = regs.get(4);
    try {
      regs.rip = this.memory.load(rsp, 8);
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      return this.leaveWith({ kind: 'exception', exception: error.exception });
    }
    regs.set(4, BigInt.asUintN(64, rsp + 8n));
    return 0;
  }

  /** Fills a slot. Non-zero: its address has no code. */
  private translate(slot: number): number {
    const ptr = this.slots.ptrOf(slot);
    if (!this.knowledge.isExecutable(ptr) && !this.knowledge.hosts.has(ptr)) {
      // Slot 0 is that of address 0, which the empty branch cache leads to as well.
      if (ptr === 0) this.regs.setRipHalves(0, 0);
      else this.regs.setRipHalves(ptr ^ 0x8000_0000, this.space.upperOf(ptr));
      return this.leave(EXIT_CONTINUE);
    }
    this.knowledge.functions.add(ptr);
    this.units.prepare(ptr);
    return 0;
  }

  /** The slot of the address in RIP, or -1. */
  private resolve(): number {
    const { regs, space } = this;
    const ptr = (regs.ripLow ^ 0x8000_0000) >>> 0;
    const known = ptr < GUEST_LIMIT && space.upperOf(ptr) === regs.ripHigh;
    if (known && (this.knowledge.isExecutable(ptr) || this.knowledge.hosts.has(ptr))) {
      const slot = this.slots.of(ptr);
      this.units.reserve(slot);
      return slot;
    }
    this.leave(EXIT_CONTINUE);
    return -1;
  }

  /** Executes the instruction of a site by hand. Non-zero: exit. */
  private executeSlow(unitNumber: number, siteNumber: number): number {
    const site = this.units.byNumber(unitNumber).translation.sites[siteNumber];
    const address = BigInt.asUintN(64, BigInt(site.address));
    try {
      executeSlow(this.slow, site.insn!);
      return 0;
    } catch (error) {
      this.regs.rip = address;
      if (error instanceof CpuFault) return this.leaveWith({ kind: 'exception', exception: error.exception });
      this.hostError = { error };
      return this.leave(EXIT_BY_HOST);
    }
  }
}

const newTable = (): WebAssembly.Table => new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
