import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EIO } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { hostKtype } from './ktype.js';

/** The types of kobjects and ksets that the kernel allocates itself, and kobj_sysfs_ops for struct kobj_attribute. */
export class BuiltinKtypes implements Subsystem {
  private dynamicType: Ptr = 0;
  private ksetType: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    kobj_sysfs_ops: (address: Ptr) => {
      const { k } = this;
      const ops = k.struct('sysfs_ops');
      const show = (kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> => this.show(kobj, attr, page);
      const store = (kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> =>
        this.store(kobj, attr, page, count);
      ops.bind(address, 'show', 'kobj_attr_show', show);
      ops.bind(address, 'store', 'kobj_attr_store', store);
    },
  };

  /** dynamic_kobj_ktype: of kobject_create_and_add(). */
  get dynamic(): Ptr {
    this.dynamicType ||= this.make('dynamic_kobj', (kobj) => kobj);
    return this.dynamicType;
  }

  /** kset_ktype: of kset_create_and_add(). */
  get kset(): Ptr {
    this.ksetType ||= this.make('kset', (kobj) => this.k.struct('kset').of(kobj, 'kobj'));
    return this.ksetType;
  }

  private make(name: string, memory: (kobj: Ptr) => Ptr): Ptr {
    const { k } = this;
    const ktype = hostKtype(k, { name, release: (kobj: Ptr) => void k.slab.free(memory(kobj)) });
    k.struct('kobj_type').set(ktype, 'sysfs_ops', k.symbol('kobj_sysfs_ops'));
    return ktype;
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const type = this.k.struct('kobj_attribute');
    return type.get(attr, 'show') === 0 ? -EIO : yield* type.call(attr, 'show', kobj, attr, page);
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('kobj_attribute');
    return type.get(attr, 'store') === 0 ? -EIO : yield* type.call(attr, 'store', kobj, attr, page, count);
  }
}
