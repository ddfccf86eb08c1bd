import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { Member } from '../../../kernel/abi/struct.js';
import type { StructView } from '../vsprintf/context.js';

/** Layout of a struct for tests: `name: [offset, size, kind]`, kind `p` pointer, `i` signed, `u` unsigned, `b` bytes. */
export type FakeLayout = Readonly<
  Record<string, readonly [offset: number, size: number, kind: 'p' | 'i' | 'u' | 'b']>
>;

const KINDS = { p: 'ptr', i: 'signed', u: 'unsigned', b: 'bytes' } as const;

/** A StructType made from a table, so that what needs one can be tested without a target. */
export class FakeStruct implements StructView {
  readonly size: number;

  constructor(
    private readonly space: AddressSpace,
    readonly name: string,
    private readonly layout: FakeLayout,
  ) {
    this.size = Math.max(...Object.values(layout).map(([offset, size]) => offset + size));
  }

  member(path: string): Member {
    const entry = this.layout[path];
    if (!entry) throw new Error(`no ${path} in ${this.name}`);
    return { offset: entry[0], size: entry[1], kind: KINDS[entry[2]], bitOffset: 0, bitSize: 0 };
  }

  has(path: string): boolean {
    return path in this.layout;
  }

  offsetOf(path: string): number {
    return this.member(path).offset;
  }

  addr(ptr: Ptr, path: string): Ptr {
    return ptr + this.offsetOf(path);
  }

  of(member: Ptr, path: string): Ptr {
    return member - this.offsetOf(path);
  }

  get(ptr: Ptr, path: string): number {
    const { offset, size, kind } = this.member(path);
    if (kind === 'ptr') return this.space.loadPtr(ptr + offset);
    const bits = size * 8;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.space.load8(ptr + offset + i));
    return Number(kind === 'signed' ? BigInt.asIntN(bits, value) : value);
  }

  set(ptr: Ptr, path: string, value: number): void {
    const { offset, size, kind } = this.member(path);
    if (kind === 'ptr') this.space.storePtr(ptr + offset, value);
    else if (size === 8) this.space.storeLong(ptr + offset, value);
    else if (size === 4) this.space.store32(ptr + offset, value);
    else if (size === 2) this.space.store16(ptr + offset, value);
    else this.space.store8(ptr + offset, value);
  }

  getBig(ptr: Ptr, path: string): bigint {
    return this.space.load64(this.addr(ptr, path));
  }

  setBig(ptr: Ptr, path: string, value: bigint): void {
    this.space.store64(this.addr(ptr, path), BigInt.asUintN(64, value));
  }

  text(ptr: Ptr, path: string): string {
    return this.space.cstring(this.addr(ptr, path), this.member(path).size);
  }

  setText(ptr: Ptr, path: string, text: string): void {
    this.space.storeCstring(this.addr(ptr, path), text);
  }

  string(ptr: Ptr, path: string): string {
    const text = this.get(ptr, path);
    return text === 0 ? '' : this.space.cstring(text);
  }
}
