/**
 * kmod's tools and what they work on, on Node, outside of any machine: `modbox/kmod`. Importing it does nothing, and each tool is loaded
 * when it is called, so that who needs one starts quickly.
 */

export { DIRECTORY, type FileEntry, type FileInfo, type FileSource } from './files/file-source.js';
export { readGiven } from './files/node/read-given.js';
export { writeWhole } from './files/node/write-whole.js';
export { rawBytes, rawText } from './files/raw-text.js';
export { visible } from './formats/visible-text.js';
export { whatIsIt } from './formats/what-is-it.js';
export { kldxref } from './kld/kldxref/kldxref.js';
export { DiskHints } from './kld/node/disk-hints.js';
export { ArchiveFiles } from './kmod/archive-files.js';
export { type Closure, closureOf } from './kmod/closure/closure.js';
export { FileTreeKernel } from './kmod/file-tree-kernel.js';
export { type DependencyGraph, dependencyGraph } from './kmod/graph/dependency-graph.js';
export { ModuleTree } from './kmod/module-tree.js';
export { DiskFiles } from './kmod/node/disk-files.js';
export { DiskWriter } from './kmod/node/disk-writer.js';
export { depmod, GRAPH_TEXTS, TOOLS } from './kmod/node/tools.js';
export { writeImage } from './kmod/node/write-image.js';
export { type CallRecord, type CommandRunner, RecordingKernel } from './kmod/recording-kernel.js';
export { type RunningKernel, runToEnd, type Tool, type ToolHost } from './kmod/tools/tool.js';
export { moduleSize } from './linux/module/module-size.js';
export { UsageError } from './machine/errors.js';
export { DiskIndexCache } from './machine/linux/node/index-cache.js';
export { parseScript } from './machine/shell/parser.js';
export { ShellSyntaxError } from './machine/shell/syntax-error.js';
export { type ToolScript, toolScript } from './machine/shell/tool-script.js';
export { TargetStore } from './target/node/index.js';
