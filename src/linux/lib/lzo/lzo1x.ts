/**
 * The LZO1X stream format, as Documentation/staging/lzo.rst describes it. An instruction is a match, with up to
 * three literals behind it, or a run of literals; matches come in four kinds by length and distance.
 */

/** Results (include/linux/lzo.h). */
export const LZO_E_OK = 0;
const LZO_E_ERROR = -1;
export const LZO_E_INPUT_OVERRUN = -4;
export const LZO_E_OUTPUT_OVERRUN = -5;
export const LZO_E_LOOKBEHIND_OVERRUN = -6;
const LZO_E_INPUT_NOT_CONSUMED = -8;

const NEAR = 0x800;
const MIDDLE = 0x4000;
const FAR = 0xbfff;
const M2_LONGEST = 8;
const M3_LONGEST = 33;
const M4_LONGEST = 9;
const SHORTEST_MATCH = 4;
/** Longest run that the first byte of a stream can announce. */
const FIRST_RUN = 238;
const END = [17, 0, 0] as const;
/** First byte of a stream that names its version in the second (Documentation/staging/lzo.rst). */
const VERSIONED = 17;
const SHORTEST_ZERO_RUN = 4;

/** Compresses; the worst case is a sixteenth and 67 bytes longer than the data. */
export function lzo1xCompress(data: Uint8Array): Uint8Array {
  const out: number[] = [];
  const heads = new Map<number, number>();
  const keyAt = (at: number): number =>
    data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
  let literals = 0;
  for (let at = 0; at < data.length; ) {
    if (at + SHORTEST_MATCH > data.length) break;
    const key = keyAt(at);
    const from = heads.get(key);
    heads.set(key, at);
    if (from === undefined || at - from > FAR) {
      at++;
      continue;
    }
    let length = SHORTEST_MATCH;
    while (at + length < data.length && data[from + length] === data[at + length]) length++;
    putLiterals(out, data.subarray(literals, at));
    putMatch(out, length, at - from);
    at += length;
    literals = at;
  }
  putLiterals(out, data.subarray(literals));
  out.push(...END);
  return Uint8Array.from(out);
}

function putLiterals(out: number[], run: Uint8Array): void {
  const { length } = run;
  if (length === 0) return;
  if (out.length === 0 && length <= FIRST_RUN) out.push(17 + length);
  else if (length <= 3) out[out.length - 2] |= length;
  else if (length <= 18) out.push(length - 3);
  else putLong(out, 0, length - 18);
  for (const byte of run) out.push(byte);
}

/** An instruction whose length does not fit in it: each zero byte is 255 more. */
function putLong(out: number[], instruction: number, rest: number): void {
  out.push(instruction);
  let left = rest;
  for (; left > 255; left -= 255) out.push(0);
  out.push(left);
}

function putMatch(out: number[], length: number, distance: number): void {
  if (length <= M2_LONGEST && distance <= NEAR) {
    const back = distance - 1;
    out.push(((length - 1) << 5) | ((back & 7) << 2), back >> 3);
    return;
  }
  const isMiddle = distance <= MIDDLE;
  const back = isMiddle ? distance - 1 : distance - MIDDLE;
  const kind = isMiddle ? 32 : 16 | ((back >> 11) & 8);
  const longest = isMiddle ? M3_LONGEST : M4_LONGEST;
  if (length <= longest) out.push(kind | (length - 2));
  else putLong(out, kind, length - longest);
  out.push((back << 2) & 255, (back >> 6) & 255);
}

/** Decompresses into `out`: how much there was, and a result; `out` has what was right until then. */
export function lzo1xDecompress(data: Uint8Array, out: Uint8Array): { result: number; length: number } {
  const reader = new Reader(data, out);
  try {
    const result = reader.run();
    return { result, length: reader.length };
  } catch (error) {
    if (!(error instanceof LzoError)) throw error;
    return { result: error.result, length: reader.length };
  }
}

class LzoError extends Error {
  constructor(readonly result: number) {
    super(`LZO error ${result}`);
  }
}

class Reader {
  length = 0;
  private at = 0;
  /** Literals that the last instruction copied: up to 3 behind a match, or 4 for a run. */
  private state = 0;

  constructor(
    private readonly data: Uint8Array,
    private readonly out: Uint8Array,
  ) {}

  run(): number {
    const runs = this.header();
    if (this.data[this.at] > 17) this.literals(this.byte() - 17);
    for (;;) {
      const instruction = this.byte();
      if (instruction >= 64) {
        const distance = 1 + ((instruction >> 2) & 7) + (this.byte() << 3);
        this.match((instruction >> 5) + 1, distance, instruction & 3);
      } else if (instruction >= 32) {
        const length = this.extended(instruction & 31, 31) + 2;
        const word = this.word();
        this.match(length, 1 + (word >> 2), word & 3);
      } else if (runs && this.isZeroRun(instruction)) {
        const trailing = this.word() & 3;
        this.zeros(((instruction & 7) | (this.byte() << 3)) + SHORTEST_ZERO_RUN, trailing);
      } else if (instruction >= 16) {
        const length = this.extended(instruction & 7, 7) + 2;
        const word = this.word();
        const distance = ((instruction & 8) << 11) + (word >> 2);
        if (distance === 0) return this.end(length);
        this.match(length, MIDDLE + distance, word & 3);
      } else if (this.state === 0) this.literals(this.extended(instruction, 15) + 3);
      else {
        const base = this.state === 4 ? 1 + NEAR : 1;
        const distance = base + (instruction >> 2) + (this.byte() << 2);
        this.match(this.state === 4 ? 3 : 2, distance, instruction & 3);
      }
    }
  }

  /** Whether a header says that the stream has runs of zeros (bitstream version 1 and later, lzo-rle). */
  private header(): boolean {
    if (this.data.length < 5 || this.data[0] !== VERSIONED) return false;
    this.at = 2;
    return this.data[1] !== 0;
  }

  /** A far match of the greatest distance stands for a run of zeros. */
  private isZeroRun(instruction: number): boolean {
    const word = this.data[this.at] | (this.data[this.at + 1] << 8);
    return (instruction & 0xf8) === 0x18 && (word & 0xfffc) === 0xfffc;
  }

  private zeros(length: number, trailing: number): void {
    for (let i = 0; i < length; i++) this.put(0);
    this.literals(trailing);
  }

  private end(length: number): number {
    if (length !== 3) return LZO_E_ERROR;
    return this.at === this.data.length ? LZO_E_OK : LZO_E_INPUT_NOT_CONSUMED;
  }

  private byte(): number {
    if (this.at >= this.data.length) throw new LzoError(LZO_E_INPUT_OVERRUN);
    return this.data[this.at++];
  }

  private word(): number {
    return this.byte() | (this.byte() << 8);
  }

  private extended(bits: number, base: number): number {
    if (bits !== 0) return bits;
    let length = base;
    for (;;) {
      const byte = this.byte();
      if (byte !== 0) return length + byte;
      length += 255;
    }
  }

  private literals(count: number): void {
    for (let i = 0; i < count; i++) this.put(this.byte());
    this.state = Math.min(count, 4);
  }

  private match(length: number, distance: number, trailing: number): void {
    if (distance > this.length) throw new LzoError(LZO_E_LOOKBEHIND_OVERRUN);
    for (let i = 0; i < length; i++) this.put(this.out[this.length - distance]);
    this.literals(trailing);
  }

  private put(byte: number): void {
    if (this.length >= this.out.length) throw new LzoError(LZO_E_OUTPUT_OVERRUN);
    this.out[this.length++] = byte;
  }
}
