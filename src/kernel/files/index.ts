export type { FileError, FileErrors } from './failure.js';
export { FileTree, type Location, type Mount, type ResolveOptions } from './file-tree.js';
export { type HostEntry, type HostTree, OverlayDirectory } from './host-tree.js';
export { MemoryDirectory, MemoryFile } from './memory.js';
export {
  DataNode,
  DeviceNode,
  DirectoryNode,
  FileNode,
  type NodeKind,
  SpecialNode,
  SymlinkNode,
} from './node.js';
