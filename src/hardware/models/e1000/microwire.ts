/**
 * A serial EEPROM of 64 words on a Microwire bus (93C46), as network cards have one: select, clock, data in, data out. Of its commands there is READ_WORD; others are taken and do nothing, as on a
 * part that is write protected.
 */
export interface Microwire {
  readonly words: readonly number[];
  clock: boolean;
  /** Bits that came in since it was selected, from the start bit on. */
  command: number;
  bits: number;
  /** What is shifted out, and how many bits are left of it. */
  out: number;
  left: number;
  /** Level of its data output. */
  dataOut: boolean;
}

/** Start bit, two of the operation, six of the address. */
const FRAME_BITS = 9;
const READ_WORD = 0b110;
const OUTPUT_BITS = 16;

export function microwire(words: readonly number[]): Microwire {
  return { words, clock: false, command: 0, bits: 0, out: 0, left: 0, dataOut: true };
}

/** Its three inputs have these levels now. */
export function drive(part: Microwire, select: boolean, clock: boolean, dataIn: boolean): void {
  const rises = clock && !part.clock;
  part.clock = clock;
  if (!select) {
    Object.assign(part, { command: 0, bits: 0, left: 0, dataOut: true });
    return;
  }
  if (!rises) return;
  if (part.left > 0) {
    part.left--;
    part.dataOut = ((part.out >> part.left) & 1) !== 0;
    return;
  }
  // Nothing begins before the start bit.
  if (part.bits === 0 && !dataIn) return;
  part.command = (part.command << 1) | Number(dataIn);
  part.bits++;
  if (part.bits < FRAME_BITS) return;
  if (part.command >> 6 === READ_WORD) {
    part.out = part.words[part.command & 0x3f] ?? 0xffff;
    part.left = OUTPUT_BITS;
  }
  part.command = 0;
  part.bits = 0;
  // A zero stands before the word.
  part.dataOut = false;
}
