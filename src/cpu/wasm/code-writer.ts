import { Op } from './op.js';
import { Simd } from './simd.js';

/** A growing byte buffer with the encodings of the WebAssembly binary format (section 5.2). */
export class CodeWriter {
  private buffer: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.buffer = new Uint8Array(capacity);
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length >= this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
  }

  append(data: Uint8Array): void {
    if (this.length + data.length > this.buffer.length) this.grow(data.length);
    this.buffer.set(data, this.length);
    this.length += data.length;
  }

  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** An unsigned or small non-negative signed integer in exactly five bytes, so that it can be rewritten. */
  padded(value: number): void {
    for (let i = 0; i < 4; i++) this.byte(((value >>> (7 * i)) & 0x7f) | 0x80);
    this.byte((value >>> 28) & 0x07);
  }

  s32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  s64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && !(low & 0x40)) || (rest === -1n && low & 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  name(text: string): void {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  /** A section or function body: its length, then its bytes. */
  sized(body: CodeWriter): void {
    this.u32(body.length);
    this.append(body.bytes());
  }

  op(...opcodes: number[]): void {
    for (const opcode of opcodes) this.byte(opcode);
  }

  i32(value: number): void {
    this.byte(Op.i32Const);
    this.s32(value);
  }

  /** Accepts safe integers; use i64big for the rest. */
  i64(value: number): void {
    this.byte(Op.i64Const);
    if (value === (value | 0)) this.s32(value);
    else this.s64(BigInt(value));
  }

  i64big(value: bigint): void {
    this.byte(Op.i64Const);
    this.s64(value);
  }

  get(local: number): void {
    this.byte(Op.localGet);
    this.u32(local);
  }

  set(local: number): void {
    this.byte(Op.localSet);
    this.u32(local);
  }

  tee(local: number): void {
    this.byte(Op.localTee);
    this.u32(local);
  }

  /** A load or store; alignment is only a hint, and guest accesses have none. */
  memory(opcode: number, offset: number): void {
    this.byte(opcode);
    this.byte(0);
    this.u32(offset);
  }

  /** Vector instructions without immediates: see wasm/simd.ts. */
  simd(...opcodes: number[]): void {
    for (const opcode of opcodes) {
      this.byte(0xfd);
      this.u32(opcode);
    }
  }

  /** A vector load or store. */
  simdMemory(opcode: number, offset: number): void {
    this.simd(opcode);
    this.byte(0);
    this.u32(offset);
  }

  /** Extracts or replaces one lane. */
  simdLane(opcode: number, lane: number): void {
    this.simd(opcode);
    this.byte(lane);
  }

  /** Sixteen bytes of the two operands, numbered 0..15 and 16..31. */
  shuffle(lanes: readonly number[]): void {
    this.simd(Simd.shuffle);
    for (const lane of lanes) this.byte(lane);
  }

  v128(bytes: readonly number[]): void {
    this.simd(Simd.const);
    for (const byte of bytes) this.byte(byte);
  }

  private grow(need: number): void {
    const next = new Uint8Array(Math.max(this.buffer.length * 2, this.length + need));
    next.set(this.buffer.subarray(0, this.length));
    this.buffer = next;
  }
}
