import type { Btf } from '../formats/btf/index.js';
import type { BuiltinModinfo } from '../formats/modinfo.js';
import type { KernelImage } from './image/kernel-image.js';
import type { KernelSymbols } from './kernel-symbols.js';
import type { ModuleTable } from './module-table.js';
import type { Target, TargetInfo, TargetSymbol } from './target.js';

/** A symbol that the kernel image offers to modules: EXPORT_SYMBOL and its kin (include/linux/export.h). */
export interface ExportedSymbol extends TargetSymbol {
  /** Version for CONFIG_MODVERSIONS, 0 in kernels built without. */
  readonly crc: number;
  readonly gplOnly: boolean;
  /** The namespace that importers have to name, empty for none. */
  readonly namespace: string;
  readonly kind: ExportKind;
}

/** What the address is of. A per-CPU address is an offset in the per-CPU area. */
export type ExportKind = 'function' | 'data' | 'percpu';

export interface LinuxTargetInfo extends TargetInfo {
  readonly os: 'linux';
  readonly arch: 'x86_64';
  /** `6.1.0-53-amd64 SMP preempt mod_unload modversions ` */
  readonly vermagic: string;
  /** linux_banner, without the newline at its end. */
  readonly banner: string;
}

export function isLinuxInfo(info: TargetInfo): info is LinuxTargetInfo {
  const { vermagic, banner } = info as Partial<LinuxTargetInfo>;
  return (
    info.os === 'linux' &&
    info.arch === 'x86_64' &&
    typeof vermagic === 'string' &&
    typeof banner === 'string'
  );
}

/** A Linux kernel. Everything but the plain strings is decoded when it is first asked for. */
export interface LinuxTarget extends Target<Btf>, LinuxTargetInfo {
  readonly os: 'linux';
  readonly arch: 'x86_64';
  readonly exports: ReadonlyMap<string, ExportedSymbol>;
  /** `CONFIG_SMP` -> `y`. Strings without their quotes; options that are not set are absent. */
  readonly config: ReadonlyMap<string, string>;
  readonly symbols: KernelSymbols;
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
}

/** The parts that a Linux target's file has. */
export const LINUX_PARTS = [
  'btf',
  'symbols',
  'exports',
  'config',
  'builtin',
  'builtin.modinfo',
  'certificates',
] as const;

/** Parts that a target without a module tree does not have. */
export const LINUX_MODULE_PARTS = ['modules', 'symvers'] as const;

export type LinuxPart = (typeof LINUX_PARTS)[number] | (typeof LINUX_MODULE_PARTS)[number];
