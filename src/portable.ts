/**
 * modbox where there is no Node, as in a browser: machines that load and run real kernel modules, and the modules of file trees in
 * memory. Machine.boot() wants a target there: `readStoredTarget(bytes)` of the file that comes with the package.
 */
export {
  Checker,
  type CheckerOptions,
  CheckKernel,
  checkJson,
  htmlMatrix,
  junitXml,
  type KernelSettings,
  type Reason,
  type Verdict,
  verdictText,
} from './check/index.js';
export type { TranslationStore } from './cpu/runtime/code-cache.js';
export { MountedFiles } from './files/mounted-files.js';
export { FormatError } from './formats/format-error.js';
export { isFreebsdElf } from './formats/kld/is-kld.js';
export { ModuleFile, saidBy } from './formats/module-file.js';
export type { PciModel } from './hardware/pci/pci.js';
export type { UsedLimit } from './kernel/abi/export-table.js';
export type { LogRecord } from './kernel/log.js';
export type { LeftBehind } from './kernel/modules/left-behind.js';
export type {
  Acquired,
  Allocated,
  Called,
  Covered,
  EventOf,
  Fault,
  Faulted,
  Freed,
  LockUse,
  Party,
  ProbeEvent,
  ProbeKind,
  Probes,
  Released,
  Returned,
  Scope,
  Switched,
  TaskName,
} from './kernel/probes.js';
export type { BootRequest } from './kld/loader/loader.js';
export { type Closure, closureOf } from './kmod/closure/closure.js';
export type { FileWriter } from './kmod/file-writer.js';
export { type DependencyGraph, dependencyGraph, type GraphOptions } from './kmod/graph/dependency-graph.js';
export {
  type FileEntry,
  type FileInfo,
  type FileSource,
  type IndexCache,
  type IndexedModule,
  IndexWriteError,
  indexTree,
  MemoryFiles,
  type ModprobeConfig,
  ModuleTree,
  type ModuleTreeOptions,
  OverlayFiles,
  type Resolved,
} from './kmod/index.js';
export { FailurePlan, type FailureSite } from './linux/injection/failure-plan.js';
export type { ModuleListing } from './linux/kallsyms/modules.js';
export {
  BaseMachine,
  type CallArgument,
  hangText,
  type MachineEvents,
  type ModuleEvent,
  type ProcessEnd,
} from './machine/base-machine.js';
export { type FailureDetails, MachineError, type SystemError, UsageError } from './machine/errors.js';
export { openLoader } from './machine/freebsd/loader.js';
export { FreebsdMachine, type FreebsdMachineOptions } from './machine/freebsd/machine.js';
export { type KldRunOptions, runKld } from './machine/freebsd/module-run.js';
export { FREEBSD_SHELL_COMMANDS, FreebsdShell } from './machine/freebsd/shell/shell.js';
export type { GuestMemory } from './machine/guest-memory.js';
export type { Leak } from './machine/leaks.js';
export { timeStamp } from './machine/linux/applets/dmesg.js';
export type { BootOutcome } from './machine/linux/boot-modules.js';
export type { BootOptions } from './machine/linux/defaults.js';
export type { FileStatus, MachineFileSystem } from './machine/linux/file-system.js';
export { type Answer, type ImportedFunctions, importedFunctions } from './machine/linux/implemented.js';
export { type CommandEnd, Machine, type MachineOptions, type NativeMode } from './machine/linux/machine.js';
export { type RunOptions, type RunSubject, runModule } from './machine/linux/module-run.js';
export { openTree } from './machine/linux/open-tree.js';
export { SHELL_COMMANDS, Shell, type ShellOptions } from './machine/linux/shell/shell.js';
export { type TaintEntry, taintText } from './machine/linux/taints.js';
export type { UnboundDriver } from './machine/linux/unbound.js';
export type { MachineLog } from './machine/machine-log.js';
export type { ReportedFault } from './machine/reported-fault.js';
export type { ExecResult, RunReport } from './machine/run-report.js';
export type { HostInput } from './machine/shell/keyboard.js';
export { type ShellResult, SystemShell } from './machine/shell/shell.js';
export { CapturedOutput, type Terminal } from './machine/terminal.js';
export type { FreebsdTarget, LinuxTarget, SystemTarget, Target } from './target/index.js';
export { linuxTarget, TargetError } from './target/index.js';
export { readStoredTarget } from './target/stored.js';
export { type SigningOptions, signModule } from './trust/index.js';
