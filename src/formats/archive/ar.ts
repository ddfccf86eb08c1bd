import { ByteReader } from '../byte-reader.js';
import { decodeUtf8 } from '../string-table.js';

/** One member of an archive. */
interface ArMember {
  readonly name: string;
  readonly data: Uint8Array;
}

const MAGIC = '!<arch>\n';
const AR_HEADER_SIZE = 60;

export function isAr(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && decodeUtf8(bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/** The members of an ar archive as Debian packages use it: short names only (deb(5)). */
export function parseAr(bytes: Uint8Array, file: string): ArMember[] {
  const r = new ByteReader(bytes, file);
  if (!isAr(bytes)) r.fail('magic', 0, 'not an ar archive');
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < bytes.length; ) {
    const header = decodeUtf8(r.slice(at, AR_HEADER_SIZE, 'ar member header'));
    if (!header.endsWith('`\n')) r.fail('ar member header: fmag', at + 58, 'damaged');
    const size = Number(header.slice(48, 58).trim());
    if (!Number.isInteger(size) || size < 0)
      r.fail('ar member header: size', at + 48, `'${header.slice(48, 58)}' is no number`);
    const data = r.slice(at + AR_HEADER_SIZE, size, 'ar member header: size', at + 48);
    members.push({ name: header.slice(0, 16).trim().replace(/\/$/, ''), data });
    at += AR_HEADER_SIZE + size + (size % 2);
  }
  return members;
}
