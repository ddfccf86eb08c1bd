import type { AddressSpace } from '../address-space.js';
import type { EntryGuard, Thunk } from '../cpu-types.js';
import { Decoder } from '../decode/decoder.js';
import type { Insn } from '../decode/instruction.js';
import type { CodeSource } from '../flow/cfg.js';
import { GRANULE, GUEST_LIMIT, PAGE_SHIFT, PAGE_SIZE } from '../layout.js';
import type { Environment } from '../translate/unit.js';

/** How far a jump may go and still belong to the same unit. */
const MAX_DISTANCE = 1 << 20;

/** Longest instruction. */
const MAX_INSTRUCTION = 15;

/** Addresses where the host is called: those that are bound, and those where a guard stops who comes. */
class HostAddresses {
  private readonly bound = new Set<number>();
  guard: EntryGuard | undefined;

  has(ptr: number): boolean {
    return this.bound.has(ptr) || (this.guard?.stops(ptr) ?? false);
  }

  add(ptr: number): void {
    this.bound.add(ptr);
  }

  delete(ptr: number): boolean {
    return this.bound.delete(ptr);
  }

  isBound(ptr: number): boolean {
    return this.bound.has(ptr);
  }
}

/** What is known about code addresses: bindings, thunks, function entries. Feeds decoder and translator. */
export class CodeKnowledge implements CodeSource, Environment {
  readonly hosts = new HostAddresses();
  readonly thunks = new Map<number, Thunk>();
  readonly noReturn = new Set<number>();
  /** Addresses that were called: jumps there are tail calls. */
  readonly functions = new Set<number>();
  /** Addresses that making a unit asked about, with the answers; see `answer`. */
  asked = new Map<number, string>();
  /** Addresses that the unit jumps to, and whether they were known as functions before. */
  jumped = new Map<number, boolean>();
  /** Functions that only this unit's calls have made known. */
  called = new Set<number>();
  private readonly decoder: Decoder;

  constructor(private readonly space: AddressSpace) {
    this.decoder = new Decoder(space.bytes, (ptr) => this.executableEnd(ptr));
  }

  /** All that a translation may depend on about an address, as text to compare. */
  answer(ptr: number): string {
    const thunk = this.thunks.get(ptr);
    const kind = thunk ? (thunk.kind === 'indirect' ? `i${thunk.register}` : thunk.kind) : '';
    const flag = (set: boolean, text: string): string => (set ? text : '');
    return (
      kind +
      flag(this.hosts.has(ptr), 'H') +
      flag(this.noReturn.has(ptr), 'N') +
      flag(this.space.isExecutable(ptr), 'X')
    );
  }

  /** Starts to record what a unit depends on. */
  beginUnit(): void {
    this.asked = new Map();
    this.jumped = new Map();
    this.called = new Set();
  }

  private ask(ptr: number): void {
    if (!this.asked.has(ptr)) this.asked.set(ptr, this.answer(ptr));
  }

  isExecutable(ptr: number): boolean {
    return this.space.isExecutable(ptr) || this.thunks.has(ptr);
  }

  /** As isExecutable, and the bytes there are as they are executed. */
  isPresent(ptr: number): boolean {
    this.space.bringIn(ptr);
    return this.isExecutable(ptr);
  }

  private executableEnd(ptr: number): number {
    const page = (ptr >>> PAGE_SHIFT) << PAGE_SHIFT;
    if (!this.space.isExecutable(ptr)) return ptr;
    this.space.bringIn(ptr);
    if (ptr + MAX_INSTRUCTION > page + PAGE_SIZE) this.space.bringIn(page + PAGE_SIZE);
    return this.space.isExecutable(page + 4096) ? page + 8192 : page + 4096;
  }

  decode(ptr: number): Insn {
    const thunk = this.thunks.get(ptr);
    if (thunk) {
      this.ask(ptr);
      return thunkInsn(thunk, ptr, this.toAddress(ptr));
    }
    const insn = this.decoder.decode(ptr, this.toAddress(ptr));
    if (insn.op !== 'call' && insn.op !== 'jmp') return insn;
    const target = this.toPtr(insn.target);
    if (target === undefined) return insn;
    this.ask(target);
    if (insn.op === 'call') {
      const called = this.thunks.get(target);
      if (called?.kind === 'indirect') {
        insn.op = 'calli';
        insn.size = 8;
        insn.a = { kind: 'reg', reg: called.register, size: 8, high: false };
      } else if (called) insn.op = 'nop';
      else if (!this.hosts.has(target) && !this.functions.has(target)) {
        this.functions.add(target);
        this.called.add(target);
      }
    }
    return insn;
  }

  toPtr(address: number): number | undefined {
    const high = Math.floor(address / 2 ** 32) >>> 0;
    const linear = ((address - Math.floor(address / 2 ** 32) * 2 ** 32) ^ 0x8000_0000) >>> 0;
    if (linear < GRANULE || linear >= GUEST_LIMIT) return undefined;
    return this.space.upperOf(linear) === high ? linear : undefined;
  }

  toAddress(ptr: number): number {
    return (this.space.upperOf(ptr) | 0) * 2 ** 32 + ((ptr ^ 0x8000_0000) >>> 0);
  }

  isLocal(ptr: number, entry: number): boolean {
    this.ask(ptr);
    if (!this.jumped.has(ptr)) this.jumped.set(ptr, this.functions.has(ptr) && !this.called.has(ptr));
    if (this.thunks.has(ptr)) return true;
    if (this.hosts.has(ptr) || !this.space.isExecutable(ptr)) return false;
    return ptr === entry || (!this.functions.has(ptr) && Math.abs(ptr - entry) < MAX_DISTANCE);
  }

  isNoReturn(ptr: number): boolean {
    return this.noReturn.has(ptr);
  }

  isHost(ptr: number): boolean {
    return this.hosts.has(ptr);
  }

  isFunction(ptr: number): boolean {
    return this.functions.has(ptr) || this.hosts.has(ptr);
  }
}

function thunkInsn(thunk: Thunk, ptr: number, address: number): Insn {
  const indirect = thunk.kind === 'indirect';
  return {
    op: indirect ? 'jmpi' : 'ret',
    ptr,
    address,
    length: 1,
    size: 8,
    a: indirect ? { kind: 'reg', reg: thunk.register, size: 8, high: false } : { kind: 'imm', value: 0 },
    b: undefined,
    c: undefined,
    cond: 0,
    target: 0,
    rep: 0,
    lock: false,
    segment: undefined,
    addr32: false,
  };
}
