import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Field, TypeRef } from '../../formats/btf/index.js';
import type { Sleepable } from '../effects.js';
import type { CTypes } from './c-types.js';
import type { AnyFunction } from './gate.js';
import type { Argument } from './guest-calls.js';
import type { Signature } from './signature.js';

/** How functions that members point to are called, and where the base kernel's own are for guest code. */
export interface MemberFunctions {
  call(fn: Ptr, signature: Signature, args: readonly Argument[]): Sleepable<number>;
  callBig(fn: Ptr, signature: Signature, args: readonly Argument[]): Sleepable<bigint>;
  /** Of a function type or a pointer to one; undefined for what is none. */
  signature(type: TypeRef): Signature | undefined;
  /** Address at which guest code calls a function of the base kernel; one for each name. */
  address(name: string, signature: Signature, fn: AnyFunction): Ptr;
}

type Kind = 'signed' | 'unsigned' | 'bool' | 'ptr' | 'bytes';

/** A member of a struct, found by a dotted path: `kobj.name`, `list.next`, `state`. */
export interface Member {
  readonly offset: number;
  readonly size: number;
  readonly kind: Kind;
  /** Bit fields: position of the lowest bit within the `size` bytes at `offset`, and width. */
  readonly bitOffset: number;
  readonly bitSize: number;
}

/**
 * A guest struct type of the target: sizes and offsets come from its types, never from source code. Members are
 * named by path, so code reads like the kernel's own expressions:
 *
 *     const device = k.struct('device');
 *     device.get(dev, 'kobj.parent')     // dev->kobj.parent
 *     device.addr(dev, 'kobj')           // &dev->kobj
 *     device.of(kobj, 'kobj')            // container_of(kobj, struct device, kobj)
 *     fops.call(table, 'llseek', file, offset, whence)   // table->llseek(file, offset, whence)
 */
export class StructType {
  readonly size: number;
  private readonly members = new Map<string, Member>();

  constructor(
    private readonly space: AddressSpace,
    private readonly types: CTypes,
    readonly name: string,
    private readonly functions: MemberFunctions,
  ) {
    this.size = types.sizeOf(name);
  }

  /** Throws if this target's struct has no such member: see `has` for members that come and go. */
  member(path: string): Member {
    const known = this.members.get(path);
    if (known) return known;
    const member = this.describe(this.types.field(this.name, path));
    this.members.set(path, member);
    return member;
  }

  has(path: string): boolean {
    return this.members.has(path) || this.types.findField(this.name, path) !== undefined;
  }

  offsetOf(path: string): number {
    return this.member(path).offset;
  }

  /** &ptr->path */
  addr(ptr: Ptr, path: string): Ptr {
    return ptr + this.member(path).offset;
  }

  /** container_of(member, struct, path) */
  of(member: Ptr, path: string): Ptr {
    return member - this.member(path).offset;
  }

  /** Integers as numbers (64-bit ones exact to 2^53), booleans as 0 or 1, pointers as `Ptr`. */
  get(ptr: Ptr, path: string): number {
    const { offset, size, kind, bitOffset, bitSize } = this.member(path);
    const at = ptr + offset;
    if (kind === 'ptr') return size === 4 ? this.space.loadPtr32(at) : this.space.loadPtr(at);
    if (bitSize !== 0) return this.loadBits(at, size, bitOffset, bitSize, kind === 'signed');
    return this.loadInteger(at, size, kind === 'signed');
  }

  /** Integers of either sign, pointers as `Ptr`. */
  set(ptr: Ptr, path: string, value: number): void {
    const { offset, size, kind, bitOffset, bitSize } = this.member(path);
    const at = ptr + offset;
    if (kind === 'ptr' && size === 4) this.space.storePtr32(at, value);
    else if (kind === 'ptr') this.space.storePtr(at, value);
    else if (bitSize !== 0) this.storeBits(at, size, bitOffset, bitSize, value);
    else this.storeInteger(at, size, value);
  }

  /**
   * Calls the function that a member points to, which must not be NULL. Arguments and result are what the member's prototype says:
   * see GuestCalls.call.
   */
  *call(ptr: Ptr, path: string, ...args: Argument[]): Sleepable<number> {
    return yield* this.functions.call(this.get(ptr, path), this.signature(path), args);
  }

  /** As `call`, where the result is a set of 64 bits: exact, unsigned. */
  *callBig(ptr: Ptr, path: string, ...args: Argument[]): Sleepable<bigint> {
    return yield* this.functions.callBig(this.get(ptr, path), this.signature(path), args);
  }

  /** Lets a member point to a function of the base kernel, which backtraces show as `name`; there is one of each name. */
  bind(ptr: Ptr, path: string, name: string, fn: AnyFunction): void {
    this.set(ptr, path, this.functions.address(name, this.signature(path), fn));
  }

  /** How arguments and result of the function travel that a member points to. */
  signature(path: string): Signature {
    const known = this.signatures.get(path);
    if (known) return known;
    const signature = this.functions.signature(this.types.field(this.name, path).type);
    if (!signature) throw new TypeError(`${this.name}.${path} points to no function`);
    this.signatures.set(path, signature);
    return signature;
  }

  private readonly signatures = new Map<string, Signature>();

  /** A 64-bit integer member, unsigned and exact. */
  getBig(ptr: Ptr, path: string): bigint {
    return this.space.load64(this.addr(ptr, path));
  }

  setBig(ptr: Ptr, path: string, value: bigint): void {
    this.space.store64(this.addr(ptr, path), BigInt.asUintN(64, value));
  }

  /** A character array, up to its NUL. */
  text(ptr: Ptr, path: string): string {
    const { offset, size } = this.member(path);
    return this.space.cstring(ptr + offset, size);
  }

  /** Fills a character array: cut to fit, always NUL-terminated. */
  setText(ptr: Ptr, path: string, text: string): void {
    const { offset, size } = this.member(path);
    this.space.writable(ptr + offset, size).fill(0);
    this.space.storeCstring(ptr + offset, text.slice(0, size - 1));
  }

  /** The string a `char *` member points to, '' for NULL. */
  string(ptr: Ptr, path: string): string {
    const text = this.get(ptr, path);
    return text === 0 ? '' : this.space.cstring(text);
  }

  private loadInteger(at: Ptr, size: number, signed: boolean): number {
    const { space } = this;
    switch (size) {
      case 1:
        return signed ? (space.load8(at) << 24) >> 24 : space.load8(at);
      case 2:
        return signed ? (space.load16(at) << 16) >> 16 : space.load16(at);
      case 4:
        return signed ? space.loadInt32(at) : space.load32(at);
      case 8:
        return signed ? space.loadS64(at) : space.loadU64(at);
      default:
        throw new TypeError(`struct ${this.name}: a member of ${size} bytes is not a scalar`);
    }
  }

  private storeInteger(at: Ptr, size: number, value: number): void {
    const { space } = this;
    switch (size) {
      case 1:
        space.store8(at, value);
        break;
      case 2:
        space.store16(at, value);
        break;
      case 4:
        space.store32(at, value);
        break;
      case 8:
        space.storeLong(at, value);
        break;
      default:
        throw new TypeError(`struct ${this.name}: a member of ${size} bytes is not a scalar`);
    }
  }

  private loadBits(at: Ptr, size: number, shift: number, width: number, signed: boolean): number {
    const raw = size === 8 ? this.space.load64(at) : BigInt(this.loadInteger(at, size, false));
    const bits = raw >> BigInt(shift);
    return Number(signed ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits));
  }

  private storeBits(at: Ptr, size: number, shift: number, width: number, value: number): void {
    const mask = ((1n << BigInt(width)) - 1n) << BigInt(shift);
    const old = size === 8 ? this.space.load64(at) : BigInt(this.loadInteger(at, size, false));
    const bits = (old & ~mask) | ((BigInt(value) << BigInt(shift)) & mask);
    if (size === 8) this.space.store64(at, bits);
    else this.storeInteger(at, size, Number(bits));
  }

  private describe(field: Field): Member {
    const type = this.types.classify(field.type);
    const bits = { bitOffset: field.bitOffset ?? 0, bitSize: field.bitSize ?? 0 };
    switch (type.kind) {
      case 'ptr':
        return { offset: field.offset, size: type.size, kind: 'ptr', ...bits };
      case 'bool':
        return { offset: field.offset, size: 1, kind: 'bool', ...bits };
      case 'int':
      case 'enum':
        return { offset: field.offset, size: type.size, kind: type.signed ? 'signed' : 'unsigned', ...bits };
      default:
        return {
          offset: field.offset,
          size: this.types.sizeOf(field.type),
          kind: 'bytes',
          bitOffset: 0,
          bitSize: 0,
        };
    }
  }
}
