import { isElf } from '../elf/header.js';
import { ELFOSABI_FREEBSD } from './constants.js';

/** Where e_ident says which system a file is for. */
const EI_OSABI = 7;

/** Whether the bytes are an ELF file for FreeBSD: its linkers say so in every module. */
export function isFreebsdElf(bytes: Uint8Array): boolean {
  return isElf(bytes) && bytes[EI_OSABI] === ELFOSABI_FREEBSD;
}
