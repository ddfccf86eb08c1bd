export {
  type FileEntry,
  type FileInfo,
  type FileSource,
  infoOf,
  MemoryFiles,
  OverlayFiles,
} from '../files/file-source.js';
export { globMatches } from '../files/glob.js';
export type {
  ConfigAlias,
  ConfigText,
  ModprobeConfig,
  SoftDependency,
  WeakDependency,
} from './config/modprobe-config.js';
export { type IndexCache, type IndexTreeOptions, indexTree } from './depmod/index-tree.js';
export { FoundModule, Lookup } from './found-module.js';
export { BuiltinModules } from './index/builtin.js';
export type { IndexedModule, ModuleIndex } from './index/module-index.js';
export { modinfoOf } from './index/read-module.js';
export {
  IndexWriteError,
  ModuleTree,
  type ModuleTreeOptions,
  type OpenOptions,
  type Resolved,
  setDefaultFiles,
} from './module-tree.js';
export { isModuleFile, moduleName, moduleNameOf, normalizeName } from './names.js';
export { type InsertStep, insertPlan } from './plan.js';
export { showDepends, stepLine, stepOptions, withExtra } from './show-depends.js';
