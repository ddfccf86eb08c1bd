import type { MemOperand, RegOperand, Segment, Size } from './instruction.js';

/** Thrown inside the decoder when instruction bytes are not executable or there are more than 15. */
export class FetchStop extends Error {
  constructor(readonly tooLong: boolean) {
    super('fetch');
  }
}

/**
 * Reads prefixes, ModRM, SIB, displacement and immediates (Intel SDM volume 2, chapter 2).
 * One object is reused for every instruction.
 */
export class InsnReader {
  at = 0;
  opsize16 = false;
  addr32 = false;
  rep = 0;
  lock = false;
  segment: Segment | undefined;
  rex = 0;
  mod = 0;
  /** ModRM.reg with REX.R. */
  reg = 0;
  rm = 0;
  private start = 0;
  private address = 0;
  private immediateBytes = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** First offset after `ptr` that is not executable, at most 15 further. */
    private readonly executableEnd: (ptr: number) => number,
  ) {}

  private end = 0;

  begin(ptr: number, address: number): void {
    this.at = ptr;
    this.start = ptr;
    this.address = address;
    this.end = Math.min(this.executableEnd(ptr), ptr + 15);
    this.opsize16 = false;
    this.addr32 = false;
    this.rep = 0;
    this.lock = false;
    this.segment = undefined;
    this.rex = 0;
    this.immediateBytes = 0;
  }

  u8(): number {
    if (this.at >= this.end) throw new FetchStop(this.at >= this.start + 15);
    return this.bytes[this.at++];
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  i16(): number {
    const low = this.u8();
    return ((low | (this.u8() << 8)) << 16) >> 16;
  }

  i32(): number {
    const b0 = this.u8();
    const b1 = this.u8();
    const b2 = this.u8();
    return b0 | (b1 << 8) | (b2 << 16) | (this.u8() << 24);
  }

  i64(): bigint {
    const low = this.i32();
    const high = this.i32();
    return (BigInt(high) << 32n) | BigInt(low >>> 0);
  }

  /** Immediate of an operand size; 64-bit operands take a sign-extended 32-bit one. */
  imm(size: Size): number {
    return size === 1 ? this.i8() : size === 2 ? this.i16() : this.i32();
  }

  /** Consumes prefixes and returns the first opcode byte. */
  prefixes(): number {
    for (;;) {
      const byte = this.u8();
      switch (byte) {
        case 0x66:
          this.opsize16 = true;
          break;
        case 0x67:
          this.addr32 = true;
          break;
        case 0xf2:
        case 0xf3:
          this.rep = byte;
          break;
        case 0xf0:
          this.lock = true;
          break;
        case 0x64:
          this.segment = 'fs';
          break;
        case 0x65:
          this.segment = 'gs';
          break;
        // CS, DS, ES and SS overrides mean nothing in 64-bit mode, and leave an earlier FS or GS in force.
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
          break;
        default:
          if ((byte & 0xf0) === 0x40) {
            const next = this.bytes[this.at];
            this.rex = byte;
            // A REX prefix counts only directly before the opcode.
            if (this.at < this.end && isLegacyPrefix(next)) this.rex = 0;
            else if (this.at < this.end && (next & 0xf0) === 0x40) this.rex = 0;
            continue;
          }
          return byte;
      }
    }
  }

  get rexW(): boolean {
    return (this.rex & 8) !== 0;
  }

  get size(): Size {
    return this.rexW ? 8 : this.opsize16 ? 2 : 4;
  }

  /** Size of push, pop and near branches: 64 bits unless 0x66. */
  get stackSize(): Size {
    return this.opsize16 && !this.rexW ? 2 : 8;
  }

  modrm(): void {
    const byte = this.u8();
    this.mod = byte >> 6;
    this.reg = ((byte >> 3) & 7) | ((this.rex & 4) << 1);
    this.rm = byte & 7;
  }

  /** The register operand that ModRM.reg names. */
  g(size: Size): RegOperand {
    return this.register(this.reg, size);
  }

  register(reg: number, size: Size): RegOperand {
    if (size === 1 && this.rex === 0 && reg >= 4 && reg < 8)
      return { kind: 'reg', reg: reg - 4, size, high: true };
    return { kind: 'reg', reg, size, high: false };
  }

  get rmIsRegister(): boolean {
    return this.mod === 3;
  }

  /** The register or memory operand that ModRM names; `immediate` bytes follow it (for RIP-relative). */
  e(size: Size, immediate = 0): RegOperand | MemOperand {
    if (this.mod === 3) return this.register(this.rm | ((this.rex & 1) << 3), size);
    return this.memory(size, immediate);
  }

  memory(size: number, immediate = 0): MemOperand {
    let base = -1;
    let index = -1;
    let scale: 1 | 2 | 4 | 8 = 1;
    let disp = 0;
    let relative = false;
    if (this.rm === 4) {
      const sib = this.u8();
      scale = (1 << (sib >> 6)) as 1 | 2 | 4 | 8;
      index = ((sib >> 3) & 7) | ((this.rex & 2) << 2);
      if (index === 4) index = -1;
      base = (sib & 7) | ((this.rex & 1) << 3);
      if ((sib & 7) === 5 && this.mod === 0) {
        base = -1;
        disp = this.i32();
      }
    } else if (this.rm === 5 && this.mod === 0) {
      relative = true;
      disp = this.i32();
    } else base = this.rm | ((this.rex & 1) << 3);
    if (this.mod === 1) disp = this.i8();
    else if (this.mod === 2) disp = this.i32();
    if (relative) {
      this.immediateBytes = immediate;
      disp += this.address + (this.at - this.start) + this.immediateBytes;
    }
    return { kind: 'mem', base, index, scale, disp, segment: this.segment, size, addr32: this.addr32 };
  }

  get length(): number {
    return this.at - this.start;
  }

  /** Address of the byte after what was read so far. */
  get next(): number {
    return this.address + this.length;
  }
}

const isLegacyPrefix = (byte: number): boolean =>
  byte === 0x66 ||
  byte === 0x67 ||
  byte === 0xf0 ||
  byte === 0xf2 ||
  byte === 0xf3 ||
  byte === 0x64 ||
  byte === 0x65 ||
  byte === 0x2e ||
  byte === 0x36 ||
  byte === 0x3e ||
  byte === 0x26;
