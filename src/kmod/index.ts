export type {
  ConfigAlias,
  ConfigText,
  ModprobeConfig,
  SoftDependency,
  WeakDependency,
} from './config/modprobe-config.js';
export {
  type FileEntry,
  type FileInfo,
  type FileSource,
  infoOf,
  MemoryFiles,
  OverlayFiles,
} from './file-source.js';
export { FoundModule, Lookup } from './found-module.js';
export { globMatches } from './glob.js';
export { BuiltinModules } from './index/builtin.js';
export type { IndexedModule, ModuleIndex } from './index/module-index.js';
export { modinfoOf } from './index/read-module.js';
export type { IndexCache, IndexTexts } from './index/scan.js';
export { ModuleTree, type ModuleTreeOptions, type OpenOptions, type Resolved } from './module-tree.js';
export { isModuleFile, moduleName, moduleNameOf, normalizeName } from './names.js';
export { type InsertStep, insertPlan } from './plan.js';
export { showDepends, stepLine, stepOptions, withExtra } from './show-depends.js';
