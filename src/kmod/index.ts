export type { ConfigAlias, ConfigText, ModprobeConfig } from './config/modprobe-config.js';
export { type IndexCache, type IndexTreeOptions, indexTree } from './depmod/index-tree.js';
export {
  type FileEntry,
  type FileInfo,
  type FileSource,
  infoOf,
  MemoryFiles,
  OverlayFiles,
} from './file-source.js';
export { globMatches } from './glob.js';
export { BuiltinModules } from './index/builtin.js';
export type { IndexedModule, ModuleIndex, SoftDependency } from './index/module-index.js';
export { modinfoOf } from './index/read-module.js';
export { ModuleTree, type ModuleTreeOptions, type Resolved } from './module-tree.js';
export { isModuleFile, moduleNameOf, normalizeName } from './names.js';
export { type InsertStep, insertPlan } from './plan.js';
export { showDepends, withExtra } from './show-depends.js';
