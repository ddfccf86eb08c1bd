import { CharRegions } from '../drivers/base/char-regions.js';
import { UserMemory } from '../mm/user-memory.js';
import type { SubsystemClass } from '../subsystem.js';
import { BinaryFormats } from './binary-formats.js';
import { BlockFiles } from './block-files.js';
import { CharDevices } from './char-dev.js';
import { DebugFs } from './debugfs/debugfs.js';
import { DebugFsExports } from './debugfs/exports.js';
import { DebugFsValues } from './debugfs/values.js';
import { DeviceNodes } from './devices/device-nodes.js';
import { MemoryDevices } from './devices/memory-devices.js';
import { MiscDevices } from './devices/misc.js';
import { EmptyFiles } from './empty-files.js';
import { AsyncNotification } from './fasync.js';
import { FileExports } from './file-exports.js';
import { FileSystems } from './file-systems.js';
import { FileNotifications } from './fsnotify.js';
import { Dcache } from './guest/dcache.js';
import { DcacheExports } from './guest/dcache-exports.js';
import { InodeExports } from './guest/inode-exports.js';
import { Inodes } from './guest/inodes.js';
import { LibFs } from './guest/libfs.js';
import { NameLookups } from './guest/lookup.js';
import { MountOptions } from './guest/mount-options.js';
import { GuestMounts } from './guest/mounting.js';
import { PathWalks } from './guest/path-walks.js';
import { PseudoFileSystems } from './guest/pseudo.js';
import { SuperBlocks } from './guest/super.js';
import { HostOperations } from './host-operations.js';
import { IovIter } from './iov-iter.js';
import { BufferFiles } from './libfs-buffers.js';
import { SeekFunctions } from './llseek.js';
import { MountCalls } from './mount-calls.js';
import { MountObjects } from './mount-objects.js';
import { BootMounts } from './mounts.js';
import { NameHash } from './name-hash.js';
import { InodeInit } from './new-inode.js';
import { NfsServerCopy } from './nfs-common.js';
import { NativeLanguages } from './nls/nls.js';
import { VfsObjects } from './objects.js';
import { OpenFiles } from './open-files.js';
import { FilePolling } from './poll.js';
import { ProcExports } from './proc/generic.js';
import { InputProcFiles } from './proc/input-files.js';
import { KernelProcFiles } from './proc/kernel-files.js';
import { MachineProcFiles } from './proc/machine-files.js';
import { ProcFs } from './proc/procfs.js';
import { Sysctl } from './proc/sysctl.js';
import { SysctlHandlers } from './proc/sysctl-handlers.js';
import { QuotaFormats } from './quota.js';
import { Remapping } from './remap.js';
import { SeqFiles } from './seq/seq-file.js';
import { SeqLists } from './seq/seq-lists.js';
import { SeqPrint } from './seq/seq-print.js';
import { SingleFiles } from './seq/seq-single.js';
import { SimpleAttributes } from './simple-attr.js';
import { SuperBlockObjects } from './super-block.js';
import { Vfs } from './vfs.js';

/** Files: system calls, open files, devices, /proc, /dev, debugfs, in boot order. */
export const FS_SUBSYSTEMS: readonly SubsystemClass[] = [
  FileNotifications,
  UserMemory,
  SuperBlockObjects,
  MountObjects,
  InodeInit,
  VfsObjects,
  OpenFiles,
  EmptyFiles,
  HostOperations,
  FilePolling,
  Vfs,
  FileExports,
  AsyncNotification,
  IovIter,
  SeekFunctions,
  CharRegions,
  CharDevices,
  BlockFiles,
  SeqFiles,
  SeqPrint,
  SingleFiles,
  SeqLists,
  BufferFiles,
  SimpleAttributes,
  ProcFs,
  ProcExports,
  FileSystems,
  Dcache,
  PathWalks,
  DcacheExports,
  Inodes,
  InodeExports,
  SuperBlocks,
  MountOptions,
  GuestMounts,
  NameLookups,
  LibFs,
  PseudoFileSystems,
  Remapping,
  NameHash,
  NativeLanguages,
  NfsServerCopy,
  BinaryFormats,
  QuotaFormats,
  SysctlHandlers,
  Sysctl,
  KernelProcFiles,
  MachineProcFiles,
  InputProcFiles,
  DebugFs,
  DebugFsExports,
  DebugFsValues,
  DeviceNodes,
  MountCalls,
  BootMounts,
  MemoryDevices,
  MiscDevices,
];
