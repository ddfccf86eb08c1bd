import type { ElfFile } from '../../formats/elf/index.js';
import type { KallsymsTable } from './kallsyms.js';

/** What of an image is looked at. */
type Image = Pick<ElfFile, 'bytesAt'> & {
  readonly sections: readonly Pick<ElfFile['sections'][number], 'name' | 'data'>[];
};

/**
 * The certificates that the kernel trusts for modules: DER, one after another, from system_certificate_list
 * to the size in system_certificate_list_size (certs/system_certificates.S).
 */
export function readCertificates(elf: Image, symbols: KallsymsTable): Uint8Array[] {
  const list = dataAt(elf, symbols, 'system_certificate_list');
  const size = dataAt(elf, symbols, 'system_certificate_list_size');
  if (list === undefined || size === undefined || size.length < 8) return findList(elf);
  const length = Number(new DataView(size.buffer, size.byteOffset).getBigUint64(0, true));
  return splitDer(list.subarray(0, length));
}

/**
 * The list where symbols of data are missing (no CONFIG_KALLSYMS_ALL): certificates one after another, aligned to 8 bytes, and behind
 * them, aligned likewise, the length of them all.
 */
function findList(elf: Image): Uint8Array[] {
  for (const { data, name } of elf.sections) {
    if (!INITIAL_DATA.test(name)) continue;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at + 8 <= data.length; at += 8) {
      if (data[at] !== 0x30 || data[at + 1] !== 0x82) continue;
      const certificates = splitDer(data.subarray(at));
      const length = certificates.reduce((sum, { length: bytes }) => sum + bytes, 0);
      const behind = (at + length + 7) & ~7;
      if (length > 0 && behind + 8 <= data.length && view.getBigUint64(behind, true) === BigInt(length))
        return certificates;
    }
  }
  return [];
}

/** Sections that data for the boot may be in. */
const INITIAL_DATA = /^\.(init\.(data|rodata)|rodata)$/;

function dataAt(elf: Image, symbols: KallsymsTable, name: string): Uint8Array | undefined {
  const index = symbols.names.indexOf(name);
  return index < 0 ? undefined : elf.bytesAt(symbols.addresses[index]);
}

/** Splits concatenated DER SEQUENCEs with two-byte lengths, as the kernel's load_certificate_list does. */
function splitDer(bytes: Uint8Array): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length && bytes[at] === 0x30 && bytes[at + 1] === 0x82; ) {
    const end = at + 4 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    if (end > bytes.length) break;
    certificates.push(bytes.subarray(at, end));
    at = end;
  }
  return certificates;
}
