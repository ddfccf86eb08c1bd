export {
  type Codec,
  type Compressor,
  type Decompressor,
  decodeTarget,
  decodeTargetInfo,
  encodeTarget,
  type PackedChunk,
  portableDecompressor,
  storeUncompressed,
} from './codec.js';
export {
  type FreebsdSymbol,
  type FreebsdSymbolKind,
  type FreebsdTarget,
  type FreebsdTargetInfo,
  KERNBASE,
  type KernelModule,
} from './freebsd-target.js';
export type { KernelSymbol, KernelSymbols } from './kernel-symbols.js';
export type { ExportedSymbol, ExportKind, LinuxTarget, LinuxTargetInfo } from './linux-target.js';
export type { ModuleSummary, ModuleTable, ProvidedSymbol } from './module-table.js';
export { linuxTarget, openTarget, type SystemTarget } from './open.js';
export { debSource, memorySource } from './package-source.js';
export type { TargetParts } from './parts.js';
export { type ReadTargetOptions, readTarget, readTargetParts, type TargetSource } from './source.js';
export type { Target, TargetInfo, TargetSymbol } from './target.js';
export { lacking, TargetError } from './target-error.js';
