import type { ElfFile } from '../../formats/elf/index.js';
import type { KallsymsTable } from './kallsyms.js';

/**
 * The certificates that the kernel trusts for modules: DER, one after another, from system_certificate_list
 * to the size in system_certificate_list_size (certs/system_certificates.S).
 */
export function readCertificates(elf: ElfFile, symbols: KallsymsTable): Uint8Array[] {
  const list = dataAt(elf, symbols, 'system_certificate_list');
  const size = dataAt(elf, symbols, 'system_certificate_list_size');
  if (list === undefined || size === undefined || size.length < 8) return [];
  const length = Number(new DataView(size.buffer, size.byteOffset).getBigUint64(0, true));
  return splitDer(list.subarray(0, length));
}

function dataAt(elf: ElfFile, symbols: KallsymsTable, name: string): Uint8Array | undefined {
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
