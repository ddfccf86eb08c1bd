import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';

/** Operations that struct file_operations and struct proc_ops have in common, under different names. */
export type Operation =
  | 'open'
  | 'read'
  | 'read_iter'
  | 'write'
  | 'write_iter'
  | 'llseek'
  | 'poll'
  | 'ioctl'
  | 'mmap'
  | 'flush'
  | 'release'
  | 'fsync'
  | 'iterate_shared';

/** A table of operations in guest memory. Members that are NULL, or that the struct lacks, are 0. */
export interface OperationTable {
  get(operation: Operation): Ptr;
}

const FILE_NAMES: Readonly<Partial<Record<Operation, string>>> = { ioctl: 'unlocked_ioctl' };
const PROC_NAMES: Readonly<Partial<Record<Operation, string>>> = { llseek: 'proc_lseek' };

/** The f_op of an open file, read anew for each call: open() of a device may replace it. */
export function fileOperations(k: LinuxKernel, file: Ptr): OperationTable {
  return {
    get: (operation) => {
      const table = k.struct('file').get(file, 'f_op');
      return table === 0 ? 0 : fileOperation(k, table, operation);
    },
  };
}

/** A member of a struct file_operations. */
export function fileOperation(k: LinuxKernel, table: Ptr, operation: Operation): Ptr {
  return k.struct('file_operations').get(table, FILE_NAMES[operation] ?? operation);
}

/** A struct proc_ops, which has no owner, flush or fsync. */
export function procOperations(k: LinuxKernel, table: Ptr): OperationTable {
  const type = k.struct('proc_ops');
  return {
    get: (operation) => {
      const name = PROC_NAMES[operation] ?? `proc_${operation}`;
      return type.has(name) ? type.get(table, name) : 0;
    },
  };
}
