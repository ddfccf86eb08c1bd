/** CRC-32 (IEEE 802.3, reflected 0xEDB88320) and CRC-64 (ECMA-182, reflected 0xC96C5795D7870F42), as xz has them. */

const CRC32_TABLES = makeTables32();

function makeTables32(): Uint32Array[] {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let n = 1; n < 4; n++)
      tables[n][byte] = (tables[n - 1][byte] >>> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
  }
  return tables;
}

export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = CRC32_TABLES;
  let crc = 0xffffffff;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc = t3[crc & 0xff] ^ t2[(crc >>> 8) & 0xff] ^ t1[(crc >>> 16) & 0xff] ^ t0[crc >>> 24];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}

// Four tables of each half: entry n of table t is what byte n does t bytes further on.
const CRC64_LOW = Array.from({ length: 4 }, () => new Uint32Array(256));
const CRC64_HIGH = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd !== 0) {
      low ^= 0xd7870f42;
      high ^= 0xc96c5795;
    }
  }
  CRC64_LOW[0][byte] = low;
  CRC64_HIGH[0][byte] = high;
}
for (let byte = 0; byte < 256; byte++) {
  for (let n = 1; n < 4; n++) {
    const low = CRC64_LOW[n - 1][byte];
    const high = CRC64_HIGH[n - 1][byte];
    CRC64_LOW[n][byte] = ((low >>> 8) | (high << 24)) ^ CRC64_LOW[0][low & 0xff];
    CRC64_HIGH[n][byte] = (high >>> 8) ^ CRC64_HIGH[0][low & 0xff];
  }
}

export function crc64(bytes: Uint8Array): bigint {
  const [l0, l1, l2, l3] = CRC64_LOW;
  const [h0, h1, h2, h3] = CRC64_HIGH;
  let low = -1;
  let high = -1;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    const x = low ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    const a = x & 0xff;
    const b = (x >>> 8) & 0xff;
    const c = (x >>> 16) & 0xff;
    const d = x >>> 24;
    low = high ^ l3[a] ^ l2[b] ^ l1[c] ^ l0[d];
    high = h3[a] ^ h2[b] ^ h1[c] ^ h0[d];
  }
  for (; at < bytes.length; at++) {
    const index = (low ^ bytes[at]) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ l0[index];
    high = (high >>> 8) ^ h0[index];
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}
