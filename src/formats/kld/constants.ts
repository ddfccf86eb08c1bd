// sys/module.h and sys/linker_set.h of FreeBSD.

/** The linker set in which a kld says what it holds: pointers to struct mod_metadata. */
export const MDT_SETNAME = 'modmetadata_set';

/** md_type of struct mod_metadata. */
export const MDT_DEPEND = 1;
export const MDT_MODULE = 2;
export const MDT_VERSION = 3;
export const MDT_PNP_INFO = 4;

/** md_version of every struct mod_metadata so far. */
export const MDTV_GENERIC = 1;

/** Longest name of a module, without its NUL: MAXMODNAME of sys/module.h, 32 before FreeBSD 14. */
export const MAX_MODULE_NAME = 1024;

/** Longest description of a PNP table, its NUL included, that kldxref reads. */
export const MAX_PNP_DESCRIPTION = 1024;

/** e_ident[EI_OSABI] of FreeBSD (System V gABI). */
export const ELFOSABI_FREEBSD = 9;

/** Size of a pointer of amd64. */
export const KLD_POINTER = 8;

/** Folders that klds are looked for in where nobody says otherwise: kern.module_path, and the loader's module_path. */
export const DEFAULT_MODULE_PATH = '/boot/kernel;/boot/modules';
