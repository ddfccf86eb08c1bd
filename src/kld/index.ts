/** FreeBSD's programs for modules, and its loader: what a machine runs them on is in `host.ts`, `kernel.ts` and `loader/`. */

export { type KldHost, type KldTool, type Output, runToEnd, type Steps } from './host.js';
export type {
  CallResult,
  KernelEnvironment,
  KldFileStat,
  KldKernel,
  KldSysctl,
  ModuleStat,
  SysctlNode,
} from './kernel.js';
export { EDITION_10, EDITION_14, type Edition } from './kldxref/edition.js';
export { type HintsWriter, kldxref, type XrefHost } from './kldxref/kldxref.js';
export { LoaderEnvironment } from './loader/environment.js';
export type { LoadableKernel } from './loader/file-loader.js';
export { type BootRequest, Loader, type LoaderHost } from './loader/loader.js';
export type { PreloadedFile } from './loader/preloaded.js';
export { MODULE_PATH } from './module-path.js';
export { kenv } from './tools/kenv.js';
export { kldconfig } from './tools/kldconfig.js';
export { kldload } from './tools/kldload.js';
export { kldstat } from './tools/kldstat.js';
export { kldunload } from './tools/kldunload.js';
export { sysctl } from './tools/sysctl/sysctl.js';
