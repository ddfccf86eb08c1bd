import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { warn } from '../../warn.js';
import { kobjectName } from '../names.js';
import {
  type AttributeSource,
  type BinarySource,
  SysfsAttribute,
  SysfsBinary,
  type SysfsDirectory,
} from './node.js';
import { Sysfs } from './sysfs.js';

const PERMISSIONS = 0o7777;

/** Where a text attribute's reads and writes go: the sysfs_ops of its kobject's type. */
function attributeSource(k: LinuxKernel, kobj: Ptr, attr: Ptr, ops: Ptr): AttributeSource {
  const table = k.struct('sysfs_ops');
  const show = table.get(ops, 'show');
  const store = table.get(ops, 'store');
  return {
    showFunction: show,
    show: show === 0 ? undefined : (page) => table.call(ops, 'show', kobj, attr, page),
    store: store === 0 ? undefined : (page, count) => table.call(ops, 'store', kobj, attr, page, count),
  };
}

/** sysfs_add_file_mode_ns(): a text attribute in a directory of `kobj`. */
export function addFile(
  k: LinuxKernel,
  directory: SysfsDirectory,
  kobj: Ptr,
  attr: Ptr,
  mode: number,
): number {
  const name = k.struct('attribute').string(attr, 'name');
  const ktype = k.struct('kobject').get(kobj, 'ktype');
  const ops = ktype === 0 ? 0 : k.struct('kobj_type').get(ktype, 'sysfs_ops');
  if (ops === 0) {
    const text = `missing sysfs attribute operations for kobject: ${kobjectName(k, kobj)}`;
    warn(k, text, 'fs/sysfs/file.c', 'sysfs_add_file_mode_ns');
    return -EINVAL;
  }
  const source = attributeSource(k, kobj, attr, ops);
  return k.get(Sysfs).add(new SysfsAttribute(name, directory, mode & PERMISSIONS, source, attr), directory);
}

/** sysfs_add_bin_file_mode_ns(): a file of bytes. */
export function addBinary(
  k: LinuxKernel,
  directory: SysfsDirectory,
  kobj: Ptr,
  attr: Ptr,
  mode: number,
): number {
  const type = k.struct('bin_attribute');
  const transfer =
    (member: 'read' | 'write') =>
    (page: Ptr, offset: number, count: number): Sleepable<number> =>
      type.call(attr, member, 0, kobj, attr, page, offset, count);
  const source: BinarySource = {
    read: type.get(attr, 'read') === 0 ? undefined : transfer('read'),
    write: type.get(attr, 'write') === 0 ? undefined : transfer('write'),
  };
  const name = type.string(attr, 'attr.name');
  const size = type.get(attr, 'size');
  const node = new SysfsBinary(name, directory, mode & PERMISSIONS, source, size, attr);
  return k.get(Sysfs).add(node, directory);
}

/** A child of a kobject's directory goes; false if there was none of that name. */
export function removeChild(k: LinuxKernel, kobj: Ptr, name: string): boolean {
  const sysfs = k.get(Sysfs);
  const node = sysfs.directoryOf(kobj)?.children.get(name);
  if (node) sysfs.remove(node);
  return node !== undefined;
}

/** sysfs_create_file_ns(). */
export function createFile(k: LinuxKernel, kobj: Ptr, attr: Ptr): number {
  const directory = kobj === 0 ? undefined : k.get(Sysfs).directoryOf(kobj);
  if (!directory || attr === 0) {
    warn(k, '', 'fs/sysfs/file.c:355', 'sysfs_create_file_ns');
    return -EINVAL;
  }
  return addFile(k, directory, kobj, attr, k.struct('attribute').get(attr, 'mode'));
}

/** sysfs_remove_file_ns(). */
export function removeFile(k: LinuxKernel, kobj: Ptr, attr: Ptr): boolean {
  return removeChild(k, kobj, k.struct('attribute').string(attr, 'name'));
}

/** sysfs_create_bin_file(). */
export function createBinary(k: LinuxKernel, kobj: Ptr, attr: Ptr): number {
  const directory = kobj === 0 ? undefined : k.get(Sysfs).directoryOf(kobj);
  if (!directory || attr === 0) {
    warn(k, '', 'fs/sysfs/file.c', 'sysfs_create_bin_file');
    return -EINVAL;
  }
  return addBinary(k, directory, kobj, attr, k.struct('bin_attribute').get(attr, 'attr.mode'));
}

/** sysfs_create_link(): -ENOENT while the target is not in sysfs. */
export function createLink(k: LinuxKernel, kobj: Ptr, target: Ptr, name: string, quiet = false): number {
  const sysfs = k.get(Sysfs);
  const from = sysfs.directoryOf(kobj);
  const to = target === 0 ? undefined : sysfs.directoryOf(target);
  if (!from) return -ENOENT;
  if (!to) return -ENOENT;
  return sysfs.addLink(from, to, name, quiet);
}
