/**
 * The BCJ filter for x86 code that xz has in front of LZMA2 for kernels (XZ Embedded documentation, "BCJ filter
 * notes"; LZMA SDK, public domain). The compressor replaced the relative operand of CALL (E8) and JMP (E9) by
 * an absolute address where that looked like one; this puts the relative ones back, in place.
 */
export function decodeBcjX86(bytes: Uint8Array, start = 0): void {
  const limit = bytes.length - 4;
  // Where the last E8 or E9 was, and which of the three bytes before this one were opcodes left alone.
  let last = -1;
  let mask = 0;
  for (let at = 0; at < limit; at++) {
    if ((bytes[at] & 0xfe) !== 0xe8) continue;
    const distance = at - last;
    last = at;
    mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
    if (mask !== 0 && (!UNAMBIGUOUS[mask] || isSignByte(bytes[at + 4 - OPCODE_DISTANCE[mask]]))) {
      mask = ((mask << 1) | 1) & 7;
      continue;
    }
    if (!isSignByte(bytes[at + 4])) {
      mask = ((mask << 1) | 1) & 7;
      continue;
    }
    const absolute = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24);
    const relative = toRelative(absolute, (start + at + 5) | 0, mask);
    bytes[at + 1] = relative;
    bytes[at + 2] = relative >>> 8;
    bytes[at + 3] = relative >>> 16;
    // 25 bits of address, the rest is their sign.
    bytes[at + 4] = (relative & 0x1000000) === 0 ? 0 : 0xff;
    at += 4;
  }
}

/** By mask of preceding opcode bytes: whether the operand can be told apart, and how far the nearest one is. */
const UNAMBIGUOUS = [true, true, true, false, true, false, false, false];
const OPCODE_DISTANCE = [0, 1, 2, 2, 3, 3, 3, 3];

function isSignByte(byte: number): boolean {
  return byte === 0 || byte === 0xff;
}

function toRelative(absolute: number, next: number, mask: number): number {
  let source = absolute;
  for (;;) {
    const relative = (source - next) | 0;
    if (mask === 0) return relative;
    const shift = OPCODE_DISTANCE[mask] * 8;
    if (!isSignByte((relative >>> (24 - shift)) & 0xff)) return relative;
    source = relative ^ ((1 << (32 - shift)) - 1);
  }
}
