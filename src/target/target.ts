import type { Btf } from '../formats/btf/index.js';
import type { BuiltinModinfo } from '../formats/modinfo.js';
import type { KernelImage } from './image/kernel-image.js';
import type { KernelSymbols } from './kernel-symbols.js';
import type { ModuleTable } from './module-table.js';

/** A symbol that the kernel image offers to modules: EXPORT_SYMBOL and its kin (include/linux/export.h). */
export interface ExportedSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes to the next symbol; 0 where that is not known. */
  readonly size: number;
  /** Version for CONFIG_MODVERSIONS, 0 in kernels built without. */
  readonly crc: number;
  readonly gplOnly: boolean;
  /** The namespace that importers have to name, empty for none. */
  readonly namespace: string;
  readonly kind: ExportKind;
}

/** What the address is of. A per-CPU address is an offset in the per-CPU area. */
export type ExportKind = 'function' | 'data' | 'percpu';

/**
 * One kernel that a machine can be: what its distribution ships about it, never typed in by hand.
 * Everything but the plain strings is decoded when it is first asked for.
 */
export interface Target {
  /** `linux/6.1.0-53-amd64` */
  readonly name: string;
  readonly os: 'linux';
  /** What `uname -r` says. */
  readonly release: string;
  readonly arch: 'x86_64';
  /** `6.1.0-53-amd64 SMP preempt mod_unload modversions ` */
  readonly vermagic: string;
  /** linux_banner, without the newline at its end. */
  readonly banner: string;
  /** `CONFIG_SMP` -> `y`. Strings without their quotes; options that are not set are absent. */
  readonly config: ReadonlyMap<string, string>;
  readonly exports: ReadonlyMap<string, ExportedSymbol>;
  readonly symbols: KernelSymbols;
  readonly types: Btf;
  /** modules.builtin: paths below lib/modules/RELEASE, `kernel/fs/ext4/ext4.ko`. */
  readonly builtinModules: readonly string[];
  /** modules.builtin.modinfo, by module. */
  readonly builtinModinfo: readonly BuiltinModinfo[];
  /** The DER certificates built into the kernel, in the order of the image. */
  readonly certificates: readonly Uint8Array[];
  /** The modules that came with it; undefined where the source had none. */
  readonly modules: ModuleTable | undefined;
  /** Its own code and data; undefined where they are not at hand, as for the bundled target. Opened when first asked for. */
  readonly image: KernelImage | undefined;
  /** Where its modules were when it was added: a directory that holds lib/modules/RELEASE. */
  readonly tree?: string;
}
