/** x^8 + x^2 + x + 1, the polynomial of SMBus's packet error code, beside 8 bits of data (SMBus specification 2.0, 7.1.1). */
const POLYNOMIAL = 0x107;

/** i2c_smbus_pec(): goes on with a packet error code over more bytes. */
export function packetErrorCode(before: number, bytes: Iterable<number>): number {
  let code = before;
  for (const byte of bytes) {
    code = (code ^ byte) & 0xff;
    for (let bit = 0; bit < 8; bit++) {
      code <<= 1;
      if (code & 0x100) code ^= POLYNOMIAL;
    }
  }
  return code;
}
