/**
 * The LZMA decoder inside LZMA2 (the LZMA specification of the LZMA SDK, public domain: "LZMA Specification",
 * 2015). It writes straight into the output, which is its own dictionary.
 */

const STATES = 12;
const POS_STATES_MAX = 16;
const LIT_STATES = 7;
const MATCH_MIN = 2;
const END_POS_MODEL = 14;
const FULL_DISTANCES = 128;
const ALIGN_BITS = 4;

// Where each model lives in the one array of probabilities.
const LENGTH_MODEL = 2 + POS_STATES_MAX * 16 + 256;
const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * POS_STATES_MAX;
const IS_REP0 = IS_REP + STATES;
const IS_REP1 = IS_REP0 + STATES;
const IS_REP2 = IS_REP1 + STATES;
const IS_REP0_LONG = IS_REP2 + STATES;
const DIST_SLOT = IS_REP0_LONG + STATES * POS_STATES_MAX;
const DIST_SPECIAL = DIST_SLOT + 4 * 64;
const DIST_ALIGN = DIST_SPECIAL + FULL_DISTANCES;
const MATCH_LENGTH = DIST_ALIGN + (1 << ALIGN_BITS);
const REP_LENGTH = MATCH_LENGTH + LENGTH_MODEL;
const LITERAL = REP_LENGTH + LENGTH_MODEL;

const PROBABILITY_HALF = 1024;

export class LzmaDecoder {
  private probs = new Uint16Array(0);
  private literalContextBits = 0;
  private literalPosMask = 0;
  private posMask = 0;
  private state = 0;
  private rep0 = 0;
  private rep1 = 0;
  private rep2 = 0;
  private rep3 = 0;

  private input: Uint8Array = new Uint8Array(0);
  private at = 0;
  // 32 bits without a sign, kept as integers with one: those stay out of the heap.
  private range = 0;
  private code = 0;

  /** Takes over lc, lp and pb from the properties byte. Returns false where they are out of range. */
  setProperties(byte: number): boolean {
    const lc = byte % 9;
    const lp = Math.floor(byte / 9) % 5;
    const pb = Math.floor(byte / 45);
    if (pb > 4 || lc + lp > 4) return false;
    this.literalContextBits = lc;
    this.literalPosMask = (1 << lp) - 1;
    this.posMask = (1 << pb) - 1;
    const size = LITERAL + (0x300 << (lc + lp));
    if (this.probs.length !== size) this.probs = new Uint16Array(size);
    this.resetState();
    return true;
  }

  resetState(): void {
    this.probs.fill(PROBABILITY_HALF);
    this.state = 0;
    this.rep0 = 0;
    this.rep1 = 0;
    this.rep2 = 0;
    this.rep3 = 0;
  }

  /**
   * Decodes one chunk: `input` holds its compressed bytes, `out` from `dictStart` to `from` what came before,
   * and `to` is where the chunk's output ends. Returns an error text, or undefined where all is well.
   */
  decode(
    input: Uint8Array,
    out: Uint8Array,
    dictStart: number,
    from: number,
    to: number,
  ): string | undefined {
    if (input.length < 5 || input[0] !== 0) return 'damaged range coder header';
    this.input = input;
    this.at = 5;
    this.range = -1;
    this.code = (input[1] << 24) | (input[2] << 16) | (input[3] << 8) | input[4];
    let pos = from;
    while (pos < to) {
      if (this.at > input.length) return 'the compressed data ends early';
      const posState = (pos - dictStart) & this.posMask;
      if (this.bit(IS_MATCH + this.state * POS_STATES_MAX + posState) === 0) {
        if (this.state >= LIT_STATES && this.rep0 >= pos - dictStart) return 'distance beyond the start';
        out[pos] = this.literal(out, dictStart, pos);
        pos++;
        continue;
      }
      let length: number;
      if (this.bit(IS_REP + this.state) === 0) {
        length = this.match(posState);
      } else {
        length = this.repeat(posState);
        if (length === 1) this.state = this.state < LIT_STATES ? 9 : 11;
      }
      if (this.rep0 >= pos - dictStart) return 'distance beyond the start';
      if (length > to - pos) return 'match runs past the end of the chunk';
      pos = copyMatch(out, pos, this.rep0 + 1, length);
    }
    if (this.range >>> 24 === 0) this.normalize();
    return this.at === input.length && this.code === 0
      ? undefined
      : 'the compressed data does not end with its chunk';
  }

  private normalize(): void {
    this.range <<= 8;
    this.code = (this.code << 8) | this.input[this.at++];
  }

  private bit(index: number): number {
    if (this.range >>> 24 === 0) this.normalize();
    const p = this.probs[index];
    const bound = Math.imul(this.range >>> 11, p);
    if (this.code >>> 0 < bound >>> 0) {
      this.range = bound;
      this.probs[index] = p + ((2048 - p) >>> 5);
      return 0;
    }
    this.range = (this.range - bound) | 0;
    this.code = (this.code - bound) | 0;
    this.probs[index] = p - (p >>> 5);
    return 1;
  }

  /** A symbol of `bits` bits, most significant first, from a tree of models. `bit` is written out here too. */
  private tree(base: number, bits: number): number {
    const { probs, input } = this;
    const limit = 1 << bits;
    let symbol = 1;
    let range = this.range;
    let code = this.code;
    while (symbol < limit) {
      if (range >>> 24 === 0) {
        range <<= 8;
        code = (code << 8) | input[this.at++];
      }
      const p = probs[base + symbol];
      const bound = Math.imul(range >>> 11, p);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probs[base + symbol] = p + ((2048 - p) >>> 5);
        symbol <<= 1;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probs[base + symbol] = p - (p >>> 5);
        symbol = (symbol << 1) | 1;
      }
    }
    this.range = range;
    this.code = code;
    return symbol - limit;
  }

  private reverseTree(base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /**
   * A literal, the commonest symbol by far: the decoder's state is kept in locals and `bit` written out.
   */
  private literal(out: Uint8Array, dictStart: number, pos: number): number {
    const { probs, input } = this;
    const before = pos > dictStart ? out[pos - 1] : 0;
    const context =
      (((pos - dictStart) & this.literalPosMask) << this.literalContextBits) +
      (before >>> (8 - this.literalContextBits));
    const base = LITERAL + 0x300 * context;
    // After a match the byte that it would have gone on with steers the models until the first difference.
    let matchByte = this.state >= LIT_STATES ? out[pos - this.rep0 - 1] : 0;
    let steered = this.state >= LIT_STATES ? 0x100 : 0;
    let symbol = 1;
    let range = this.range;
    let code = this.code;
    let at = this.at;
    do {
      if (range >>> 24 === 0) {
        range <<= 8;
        code = (code << 8) | input[at++];
      }
      matchByte <<= 1;
      const matchBit = matchByte & steered;
      const index = base + steered + matchBit + symbol;
      const p = probs[index];
      const bound = Math.imul(range >>> 11, p);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probs[index] = p + ((2048 - p) >>> 5);
        symbol <<= 1;
        if (matchBit !== 0) steered = 0;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probs[index] = p - (p >>> 5);
        symbol = (symbol << 1) | 1;
        if (matchBit === 0) steered = 0;
      }
    } while (symbol < 0x100);
    this.range = range;
    this.code = code;
    this.at = at;
    this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6;
    return symbol & 0xff;
  }

  private length(base: number, posState: number): number {
    if (this.bit(base) === 0) return MATCH_MIN + this.tree(base + 2 + posState * 8, 3);
    if (this.bit(base + 1) === 0)
      return MATCH_MIN + 8 + this.tree(base + 2 + POS_STATES_MAX * 8 + posState * 8, 3);
    return MATCH_MIN + 16 + this.tree(base + 2 + POS_STATES_MAX * 16, 8);
  }

  private match(posState: number): number {
    this.state = this.state < LIT_STATES ? 7 : 10;
    this.rep3 = this.rep2;
    this.rep2 = this.rep1;
    this.rep1 = this.rep0;
    const length = this.length(MATCH_LENGTH, posState);
    const slot = this.tree(DIST_SLOT + Math.min(length - MATCH_MIN, 3) * 64, 6);
    this.rep0 = slot < 4 ? slot : this.longDistance(slot);
    return length;
  }

  private longDistance(slot: number): number {
    const bits = (slot >>> 1) - 1;
    const high = 2 | (slot & 1);
    if (slot < END_POS_MODEL) {
      const base = high << bits;
      return base + this.reverseTree(DIST_SPECIAL + base - slot, bits);
    }
    let middle = 0;
    for (let i = ALIGN_BITS; i < bits; i++) middle = middle * 2 + this.directBit();
    return high * 2 ** bits + middle * 16 + this.reverseTree(DIST_ALIGN, ALIGN_BITS);
  }

  private directBit(): number {
    if (this.range >>> 24 === 0) this.normalize();
    this.range >>>= 1;
    if (this.code >>> 0 < this.range) return 0;
    this.code = (this.code - this.range) | 0;
    return 1;
  }

  /** A match at one of the last four distances. Length 1 is the short repeat of one byte. */
  private repeat(posState: number): number {
    if (this.bit(IS_REP0 + this.state) === 0) {
      if (this.bit(IS_REP0_LONG + this.state * POS_STATES_MAX + posState) === 0) return 1;
    } else {
      let distance: number;
      if (this.bit(IS_REP1 + this.state) === 0) {
        distance = this.rep1;
      } else {
        if (this.bit(IS_REP2 + this.state) === 0) {
          distance = this.rep2;
        } else {
          distance = this.rep3;
          this.rep3 = this.rep2;
        }
        this.rep2 = this.rep1;
      }
      this.rep1 = this.rep0;
      this.rep0 = distance;
    }
    const length = this.length(REP_LENGTH, posState);
    this.state = this.state < LIT_STATES ? 8 : 11;
    return length;
  }
}

/** Copies byte by byte: source and target overlap where a pattern repeats. */
function copyMatch(out: Uint8Array, pos: number, distance: number, length: number): number {
  if (distance >= length && length > 32) {
    out.copyWithin(pos, pos - distance, pos - distance + length);
    return pos + length;
  }
  const end = pos + length;
  for (let at = pos; at < end; at++) out[at] = out[at - distance];
  return end;
}
