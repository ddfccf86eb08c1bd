import type { Btf } from '../formats/btf/index.js';
import type { Target, TargetInfo, TargetSymbol } from './target.js';

/**
 * What the address is of. `vnet` and `pcpu`: the kernel's own copy of a variable that each network stack or CPU has one of
 * (VNET_DEFINE of sys/net/vnet.h, DPCPU_DEFINE of sys/sys/pcpu.h), by its name there, `vnet_entry_ifnet`.
 */
export type FreebsdSymbolKind = 'function' | 'data' | 'vnet' | 'pcpu';

/** A global symbol of the kernel. Every one is open to modules. */
export interface FreebsdSymbol extends TargetSymbol {
  readonly kind: FreebsdSymbolKind;
}

/** A module that the kernel itself declares (MODULE_VERSION in its own code). */
export interface KernelModule {
  readonly name: string;
  readonly version: number;
}

export interface FreebsdTargetInfo extends TargetInfo {
  readonly os: 'freebsd';
  readonly arch: 'amd64';
  /** __FreeBSD_version, `kern.osreldate`: 1402000. The version of the module `kernel`. */
  readonly osreldate: number;
  /** What `uname -v` says. */
  readonly version: string;
}

export function isFreebsdInfo(info: TargetInfo): info is FreebsdTargetInfo {
  const { osreldate, version } = info as Partial<FreebsdTargetInfo>;
  return (
    info.os === 'freebsd' &&
    info.arch === 'amd64' &&
    typeof osreldate === 'number' &&
    typeof version === 'string'
  );
}

/** amd64's KERNBASE (sys/amd64/include/vmparam.h), which kldstat shows the kernel's file from, rounded to where it is loaded. */
export const KERNBASE = 0xffffffff80000000n;

/** A FreeBSD kernel. Everything but the plain strings is decoded when it is first asked for. */
export interface FreebsdTarget extends Target<Btf>, FreebsdTargetInfo {
  readonly os: 'freebsd';
  readonly arch: 'amd64';
  /**
   * Symbols of the kernel by name. The addresses are modbox's own: no kernel image is known. Prototypes of functions and
   * types of variables that the headers declare are in `types` (findPrototype, findVariable).
   */
  readonly exports: ReadonlyMap<string, FreebsdSymbol>;
  /** The macros of the kernel's headers that are integer constants: `M_WAITOK`, `EEXIST`. Enumerators are in `types`. */
  readonly macros: ReadonlyMap<string, number | bigint>;
  /** What modules can depend on without a file: `kernel`, `pci`, ... */
  readonly builtinModules: readonly KernelModule[];
}

/** The parts of a FreeBSD target's file. */
export const FREEBSD_PARTS = ['btf', 'symbols', 'macros', 'modules'] as const;

export type FreebsdPart = (typeof FREEBSD_PARTS)[number];
