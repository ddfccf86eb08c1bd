import type { Ptr } from '../../cpu/layout.js';
import type { Argument } from '../../kernel/abi/guest-calls.js';
import type { Sleepable } from '../../kernel/effects.js';
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

/** A table of operations in guest memory. */
export interface OperationTable {
  /** 0 for members that are NULL, or that the struct lacks. */
  get(operation: Operation): Ptr;
  /** Calls an operation that is there: see StructType.call. */
  call(operation: Operation, ...args: Argument[]): Sleepable<number>;
}

const FILE_NAMES: Readonly<Partial<Record<Operation, string>>> = { ioctl: 'unlocked_ioctl' };
const PROC_NAMES: Readonly<Partial<Record<Operation, string>>> = { llseek: 'proc_lseek' };

/** The f_op of an open file, read anew for each call: open() of a device may replace it. */
export function fileOperations(k: LinuxKernel, file: Ptr): OperationTable {
  const tableOf = (): Ptr => k.struct('file').get(file, 'f_op');
  return {
    get: (operation) => (tableOf() === 0 ? 0 : fileOperation(k, tableOf(), operation)),
    call: (operation, ...args) =>
      k.struct('file_operations').call(tableOf(), FILE_NAMES[operation] ?? operation, ...args),
  };
}

/** A member of a struct file_operations. */
export function fileOperation(k: LinuxKernel, table: Ptr, operation: Operation): Ptr {
  return k.struct('file_operations').get(table, FILE_NAMES[operation] ?? operation);
}

/** A struct proc_ops, which has no owner, flush or fsync. */
export function procOperations(k: LinuxKernel, table: Ptr): OperationTable {
  const type = k.struct('proc_ops');
  const nameOf = (operation: Operation): string => PROC_NAMES[operation] ?? `proc_${operation}`;
  return {
    get: (operation) => (type.has(nameOf(operation)) ? type.get(table, nameOf(operation)) : 0),
    call: (operation, ...args) => type.call(table, nameOf(operation), ...args),
  };
}
