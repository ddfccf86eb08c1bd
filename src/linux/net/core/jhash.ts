/** Start value of the hash's internal state (include/linux/jhash.h). */
const JHASH_INITVAL = 0xdeadbeef;

function rol(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** Bob Jenkins's lookup3 hash of bytes (burtleburtle.net/bob/c/lookup3.c, in the public domain): jhash(). */
export function jhash(bytes: Uint8Array, initval: number): number {
  const view = new Uint8Array(Math.ceil(Math.max(bytes.length, 1) / 12) * 12);
  view.set(bytes);
  const word = (at: number): number =>
    view[at] | (view[at + 1] << 8) | (view[at + 2] << 16) | (view[at + 3] << 24);
  let a = (JHASH_INITVAL + bytes.length + initval) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = ((a - c) ^ rol(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rol(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rol(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rol(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rol(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rol(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (bytes.length === at) return c >>> 0;
  a = (a + word(at)) | 0;
  b = (b + word(at + 4)) | 0;
  c = (c + word(at + 8)) | 0;
  c = ((c ^ b) - rol(b, 14)) | 0;
  a = ((a ^ c) - rol(c, 11)) | 0;
  b = ((b ^ a) - rol(a, 25)) | 0;
  c = ((c ^ b) - rol(b, 16)) | 0;
  a = ((a ^ c) - rol(c, 4)) | 0;
  b = ((b ^ a) - rol(a, 14)) | 0;
  c = ((c ^ b) - rol(b, 24)) | 0;
  return c >>> 0;
}
