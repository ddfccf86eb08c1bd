import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/** Functions of a kobject type that the base kernel implements itself. */
interface HostKtype {
  /** Name that the type's functions start with, as the kernel's own do. */
  readonly name: string;
  readonly release?: (kobj: Ptr) => void | Sleepable<void>;
  readonly show?: (kobj: Ptr, attr: Ptr, page: Ptr) => number | Sleepable<number>;
  readonly store?: (kobj: Ptr, attr: Ptr, page: Ptr, count: number) => number | Sleepable<number>;
}

/** A struct kobj_type in kernel memory whose functions are the base kernel's. */
export function hostKtype(k: LinuxKernel, type: HostKtype): Ptr {
  const ktype = k.struct('kobj_type');
  const ptr = k.permanent(ktype.size);
  if (type.release) ktype.bind(ptr, 'release', `${type.name}_release`, type.release);
  if (type.show || type.store) {
    const ops = k.struct('sysfs_ops');
    const table = k.permanent(ops.size);
    if (type.show) ops.bind(table, 'show', `${type.name}_attr_show`, type.show);
    if (type.store) ops.bind(table, 'store', `${type.name}_attr_store`, type.store);
    ktype.set(ptr, 'sysfs_ops', table);
  }
  return ptr;
}
