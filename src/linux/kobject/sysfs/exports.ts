import type { Ptr } from '../../../cpu/layout.js';
import { PAGE_SIZE } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Vsprintf } from '../../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { hashed } from '../names.js';
import { addFile, createBinary, createFile, createLink, removeChild, removeFile } from './files.js';
import { SysfsGroups } from './groups.js';
import { SysfsDirectory } from './node.js';
import { Sysfs } from './sysfs.js';

/** The sysfs functions that modules call (fs/sysfs, Documentation/filesystems/sysfs.rst). */
export class SysfsExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sysfs_create_file_ns: (kobj: Ptr, attr: Ptr) => createFile(this.k, kobj, attr),
    sysfs_create_files: (kobj: Ptr, attrs: Ptr) => this.createFiles(kobj, attrs),
    sysfs_remove_file_ns: (kobj: Ptr, attr: Ptr) => void removeFile(this.k, kobj, attr),
    sysfs_remove_file_self: (kobj: Ptr, attr: Ptr) => removeFile(this.k, kobj, attr),
    sysfs_remove_files: (kobj: Ptr, attrs: Ptr) => {
      for (const attr of this.groups.list(attrs)) removeFile(this.k, kobj, attr);
    },
    sysfs_chmod_file: (kobj: Ptr, attr: Ptr, mode: number) => this.chmod(kobj, attr, mode),
    sysfs_add_file_to_group: (kobj: Ptr, attr: Ptr, group: Ptr) => this.addToGroup(kobj, attr, group),
    sysfs_remove_file_from_group: (kobj: Ptr, attr: Ptr, group: Ptr) =>
      this.removeFromGroup(kobj, attr, group),
    sysfs_create_bin_file: (kobj: Ptr, attr: Ptr) => createBinary(this.k, kobj, attr),
    sysfs_remove_bin_file: (kobj: Ptr, attr: Ptr) => void removeFile(this.k, kobj, attr),
    sysfs_create_group: (kobj: Ptr, group: Ptr) => this.groups.createGroup(kobj, group),
    sysfs_create_groups: (kobj: Ptr, groups: Ptr) => this.groups.createGroups(kobj, groups),
    sysfs_update_group: (kobj: Ptr, group: Ptr) => this.groups.createGroup(kobj, group, true),
    sysfs_update_groups: (kobj: Ptr, groups: Ptr) => this.groups.createGroups(kobj, groups, true),
    sysfs_remove_group: (kobj: Ptr, group: Ptr) => this.groups.removeGroup(kobj, group),
    sysfs_remove_groups: (kobj: Ptr, groups: Ptr) => this.groups.removeGroups(kobj, groups),
    sysfs_merge_group: (kobj: Ptr, group: Ptr) => this.groups.mergeGroup(kobj, group),
    sysfs_unmerge_group: (kobj: Ptr, group: Ptr) => this.groups.unmergeGroup(kobj, group),
    sysfs_add_link_to_group: (kobj: Ptr, group: Ptr, target: Ptr, name: Ptr) =>
      this.linkInGroup(kobj, group, target, name),
    sysfs_remove_link_from_group: (kobj: Ptr, group: Ptr, name: Ptr) =>
      this.unlinkFromGroup(kobj, group, name),
    sysfs_create_link: (kobj: Ptr, target: Ptr, name: Ptr) =>
      createLink(this.k, kobj, target, this.k.space.cstring(name)),
    sysfs_create_link_nowarn: (kobj: Ptr, target: Ptr, name: Ptr) =>
      createLink(this.k, kobj, target, this.k.space.cstring(name), true),
    sysfs_remove_link: (kobj: Ptr, name: Ptr) => void removeChild(this.k, kobj, this.k.space.cstring(name)),
    sysfs_rename_link_ns: (kobj: Ptr, _target: Ptr, old: Ptr, name: Ptr) => this.renameLink(kobj, old, name),
    compat_only_sysfs_link_entry_to_kobj: (kobj: Ptr, target: Ptr, name: Ptr, link: Ptr) =>
      this.linkEntry(kobj, target, name, link),
    sysfs_create_mount_point: (parent: Ptr, name: Ptr) => this.mountPoint(parent, name),
    sysfs_remove_mount_point: (parent: Ptr, name: Ptr) =>
      void removeChild(this.k, parent, this.k.space.cstring(name)),
    sysfs_emit: (buf: Ptr, fmt: Ptr, args: VarArgs) => this.emit('sysfs_emit', buf, 0, fmt, args),
    sysfs_emit_at: (buf: Ptr, at: number, fmt: Ptr, args: VarArgs) =>
      this.emit('sysfs_emit_at', buf, at, fmt, args),
    sysfs_file_change_owner: (kobj: Ptr) => (this.k.get(Sysfs).directoryOf(kobj) ? 0 : -EINVAL),
    sysfs_change_owner: (kobj: Ptr) => (this.k.get(Sysfs).directoryOf(kobj) ? 0 : -EINVAL),
  };

  private get groups(): SysfsGroups {
    return this.k.get(SysfsGroups);
  }

  private createFiles(kobj: Ptr, attrs: Ptr): number {
    const made: Ptr[] = [];
    for (const attr of this.groups.list(attrs)) {
      const error = createFile(this.k, kobj, attr);
      if (error) {
        for (const done of made) removeFile(this.k, kobj, done);
        return error;
      }
      made.push(attr);
    }
    return 0;
  }

  private chmod(kobj: Ptr, attr: Ptr, mode: number): number {
    const name = this.k.struct('attribute').string(attr, 'name');
    const node = this.k.get(Sysfs).directoryOf(kobj)?.children.get(name);
    if (!node) return -ENOENT;
    if (node.kind !== 'link') node.mode = mode & 0o777;
    return 0;
  }

  /** A group's directory by its name; the kobject's own for NULL. */
  private groupDirectory(kobj: Ptr, group: Ptr): SysfsDirectory | undefined {
    const base = this.k.get(Sysfs).directoryOf(kobj);
    const node = group === 0 ? base : base?.children.get(this.k.space.cstring(group));
    return node?.kind === 'directory' ? node : undefined;
  }

  private addToGroup(kobj: Ptr, attr: Ptr, group: Ptr): number {
    const directory = this.groupDirectory(kobj, group);
    if (!directory) return -ENOENT;
    return addFile(this.k, directory, kobj, attr, this.k.struct('attribute').get(attr, 'mode'));
  }

  private removeFromGroup(kobj: Ptr, attr: Ptr, group: Ptr): void {
    const name = this.k.struct('attribute').string(attr, 'name');
    const node = this.groupDirectory(kobj, group)?.children.get(name);
    if (node) this.k.get(Sysfs).remove(node);
  }

  private linkInGroup(kobj: Ptr, group: Ptr, target: Ptr, name: Ptr): number {
    const sysfs = this.k.get(Sysfs);
    const directory = this.groupDirectory(kobj, group);
    const to = sysfs.directoryOf(target);
    if (!directory || !to) return -ENOENT;
    return sysfs.addLink(directory, to, this.k.space.cstring(name));
  }

  private unlinkFromGroup(kobj: Ptr, group: Ptr, name: Ptr): void {
    const node = this.groupDirectory(kobj, group)?.children.get(this.k.space.cstring(name));
    if (node) this.k.get(Sysfs).remove(node);
  }

  private renameLink(kobj: Ptr, old: Ptr, name: Ptr): number {
    const sysfs = this.k.get(Sysfs);
    const directory = sysfs.directoryOf(kobj);
    const node = directory?.children.get(this.k.space.cstring(old));
    if (!directory || !node) return -ENOENT;
    if (node.kind !== 'link') return -EINVAL;
    sysfs.remove(node);
    return sysfs.addLink(directory, node.target, this.k.space.cstring(name));
  }

  private linkEntry(kobj: Ptr, target: Ptr, name: Ptr, link: Ptr): number {
    const sysfs = this.k.get(Sysfs);
    const from = sysfs.directoryOf(kobj);
    const text = this.k.space.cstring(name);
    const to = sysfs.directoryOf(target)?.children.get(text);
    if (!from || to?.kind !== 'directory') return -ENOENT;
    return sysfs.addLink(from, to, link === 0 ? text : this.k.space.cstring(link));
  }

  private mountPoint(parentKobj: Ptr, name: Ptr): number {
    const sysfs = this.k.get(Sysfs);
    const parent = sysfs.directoryOf(parentKobj);
    if (!parent) return -ENOENT;
    return sysfs.add(new SysfsDirectory(this.k.space.cstring(name), parent, parentKobj), parent);
  }

  /** scnprintf() into the page of a show function. */
  private emit(name: 'sysfs_emit' | 'sysfs_emit_at', buf: Ptr, at: number, fmt: Ptr, args: VarArgs): number {
    const { k } = this;
    if (buf === 0 || buf % PAGE_SIZE !== 0 || at < 0 || at >= PAGE_SIZE) {
      const where = name === 'sysfs_emit' ? '' : ` at:${at}`;
      warn(
        k,
        `invalid ${name}: buf:${hashed(k, buf)}${where}`,
        name === 'sysfs_emit' ? 'fs/sysfs/file.c:740' : 'fs/sysfs/file.c',
        name,
      );
      return 0;
    }
    const text = k
      .get(Vsprintf)
      .text(fmt, args)
      .slice(0, PAGE_SIZE - at - 1);
    k.space.storeCstring(buf + at, text);
    return text.length;
  }
}
