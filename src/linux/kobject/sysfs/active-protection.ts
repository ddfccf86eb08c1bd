import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Kobjects } from '../kobject.js';
import { Kernfs } from './kernfs.js';
import { Sysfs } from './sysfs.js';

/** Files whose handlers may have them removed (fs/sysfs/file.c). */
export class ActiveProtection implements Subsystem {
  /** Objects of files whose protection is broken, by their nodes. */
  private readonly objects = new Map<Ptr, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sysfs_break_active_protection: (kobj: Ptr, attr: Ptr) => this.breakProtection(kobj, attr),
    sysfs_unbreak_active_protection: (kn: Ptr) => this.unbreakProtection(kn),
  };

  /**
   * sysfs_break_active_protection(): who handles a file may have it removed meanwhile. Nobody waits for its users here: what is
   * left of it is that file and object stay until the other function is called.
   */
  private breakProtection(kobj: Ptr, attr: Ptr): Ptr {
    const { k } = this;
    const directory = k.get(Sysfs).directoryOf(kobj);
    const node = directory?.children.get(k.struct('attribute').string(attr, 'name'));
    if (!directory || !node) return 0;
    k.get(Kobjects).get(kobj);
    const nodes = k.get(Kernfs);
    nodes.nodeOf(directory);
    const kn = nodes.nodeOf(node);
    nodes.hold(kn);
    this.objects.set(kn, kobj);
    return kn;
  }

  private *unbreakProtection(kn: Ptr): Sleepable<void> {
    const kobj = this.objects.get(kn);
    if (kobj === undefined) return;
    this.objects.delete(kn);
    this.k.get(Kernfs).put(kn);
    yield* this.k.get(Kobjects).put(kobj);
  }
}
