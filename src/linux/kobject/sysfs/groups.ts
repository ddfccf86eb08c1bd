import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { kobjectName } from '../names.js';
import { addBinary, addFile } from './files.js';
import { SysfsDirectory } from './node.js';
import { Sysfs } from './sysfs.js';

const WRITABLE = 0o664;
const SYSFS_PREALLOC = 0o10000;

/** The permissions that an attribute of a group gets; a warning where it asks for others (create_files() of fs/sysfs/group.c). */
export function allowedMode(k: LinuxKernel, name: string, mode: number): number {
  const allowed = mode & (SYSFS_PREALLOC | WRITABLE);
  if (allowed !== mode) {
    const text = `Attribute ${name}: Invalid permissions 0${mode.toString(8)}`;
    warn(k, text, 'fs/sysfs/group.c:59', 'internal_create_group');
  }
  return allowed;
}

/** Attribute groups: attributes that come and go together, in a directory of their own or not (fs/sysfs/group.c). */
export class SysfsGroups implements Subsystem {
  readonly exports = {};
  constructor(private readonly k: LinuxKernel) {}

  /** sysfs_create_group(), or with `update` sysfs_update_group(). */
  *createGroup(kobj: Ptr, group: Ptr, update = false): Sleepable<number> {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const type = k.struct('attribute_group');
    const base = kobj === 0 ? undefined : sysfs.directoryOf(kobj);
    if (!base) {
      warn(k, '', 'fs/sysfs/group.c', 'internal_create_group');
      return -EINVAL;
    }
    const name = type.string(group, 'name');
    if (type.get(group, 'attrs') === 0 && type.get(group, 'bin_attrs') === 0) {
      const text = `sysfs: (bin_)attrs not set by subsystem for group: ${kobjectName(k, kobj)}/${name}`;
      warn(k, text, 'fs/sysfs/group.c', 'internal_create_group');
      return -EINVAL;
    }
    let directory = base;
    if (name !== '') {
      const known = base.children.get(name);
      if (update && known?.kind === 'directory') directory = known;
      else if (update) {
        k.log.line(`Can't update unknown attr grp name: ${kobjectName(k, kobj)}/${name}`, LOGLEVEL_WARNING);
        return -EINVAL;
      } else {
        directory = new SysfsDirectory(name, base, kobj);
        const error = sysfs.add(directory, base);
        if (error) return error;
      }
    }
    const error = yield* this.fill(directory, kobj, group, update);
    if (error && directory !== base) sysfs.remove(directory);
    return error;
  }

  /** sysfs_create_groups(): all or none. */
  *createGroups(kobj: Ptr, groups: Ptr, update = false): Sleepable<number> {
    if (groups === 0) return 0;
    const made: Ptr[] = [];
    for (const group of this.list(groups)) {
      const error = yield* this.createGroup(kobj, group, update);
      if (error) {
        for (const done of made.reverse()) this.removeGroup(kobj, done);
        return error;
      }
      made.push(group);
    }
    return 0;
  }

  /** sysfs_remove_group(). */
  removeGroup(kobj: Ptr, group: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const base = sysfs.directoryOf(kobj);
    const name = k.struct('attribute_group').string(group, 'name');
    const directory = name === '' ? base : base?.children.get(name);
    if (directory?.kind !== 'directory') {
      const text = `sysfs group '${name}' not found for kobject '${kobjectName(k, kobj)}'`;
      warn(k, text, 'fs/sysfs/group.c', 'sysfs_remove_group');
      return;
    }
    this.empty(directory, group);
    if (directory !== base) sysfs.remove(directory);
  }

  removeGroups(kobj: Ptr, groups: Ptr): void {
    if (groups === 0) return;
    for (const group of this.list(groups)) this.removeGroup(kobj, group);
  }

  /** sysfs_merge_group(): adds to the directory that the group names. */
  mergeGroup(kobj: Ptr, group: Ptr): number {
    const directory = this.named(kobj, group);
    if (!directory) return -ENOENT;
    for (const attr of this.pointers(this.k.struct('attribute_group').get(group, 'attrs'))) {
      const error = addFile(this.k, directory, kobj, attr, this.k.struct('attribute').get(attr, 'mode'));
      if (error) {
        this.empty(directory, group);
        return error;
      }
    }
    return 0;
  }

  /** sysfs_unmerge_group(). */
  unmergeGroup(kobj: Ptr, group: Ptr): void {
    const directory = this.named(kobj, group);
    if (directory) this.empty(directory, group);
  }

  /** The directory that a group names. */
  named(kobj: Ptr, group: Ptr): SysfsDirectory | undefined {
    const name = this.k.struct('attribute_group').string(group, 'name');
    const node = this.k.get(Sysfs).directoryOf(kobj)?.children.get(name);
    return node?.kind === 'directory' ? node : undefined;
  }

  /** A NULL-terminated array of pointers. */
  list(groups: Ptr): Ptr[] {
    return this.pointers(groups);
  }

  private *fill(directory: SysfsDirectory, kobj: Ptr, group: Ptr, update: boolean): Sleepable<number> {
    const { k } = this;
    const type = k.struct('attribute_group');
    const parts = [
      { attrs: 'attrs', visible: 'is_visible', mode: 'mode', struct: 'attribute', add: addFile },
      {
        attrs: 'bin_attrs',
        visible: 'is_bin_visible',
        mode: 'attr.mode',
        struct: 'bin_attribute',
        add: addBinary,
      },
    ] as const;
    for (const part of parts) {
      const decides = type.get(group, part.visible) !== 0;
      const attrs = this.pointers(type.get(group, part.attrs));
      for (const [index, attr] of attrs.entries()) {
        let mode = k.struct(part.struct).get(attr, part.mode);
        if (update) this.drop(directory, attr);
        if (decides) mode = yield* type.call(group, part.visible, kobj, attr, index);
        if (mode === 0) continue;
        const error = part.add(k, directory, kobj, attr, allowedMode(k, this.nameOf(attr), mode));
        if (error) {
          this.empty(directory, group);
          return error;
        }
      }
    }
    return 0;
  }

  private empty(directory: SysfsDirectory, group: Ptr): void {
    const type = this.k.struct('attribute_group');
    for (const member of ['attrs', 'bin_attrs'])
      for (const attr of this.pointers(type.get(group, member))) this.drop(directory, attr);
  }

  private drop(directory: SysfsDirectory, attr: Ptr): void {
    const node = directory.children.get(this.nameOf(attr));
    if (node) this.k.get(Sysfs).remove(node);
  }

  /** Binary attributes begin with a struct attribute too. */
  private nameOf(attr: Ptr): string {
    return this.k.struct('attribute').string(attr, 'name');
  }

  private pointers(array: Ptr): Ptr[] {
    const found: Ptr[] = [];
    const { space } = this.k;
    if (array !== 0) for (let at = array; space.loadPtr(at) !== 0; at += 8) found.push(space.loadPtr(at));
    return found;
  }
}
