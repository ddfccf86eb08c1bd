import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import { EBUSY } from '../errno.js';
import { type Holding, heldStructs, listedStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Allocators that zswap can be told to keep compressed pages in (mm/zpool.c). */
export class ZpoolDrivers implements Subsystem {
  static readonly builtIn = 'CONFIG_ZPOOL';

  private readonly head: Ptr;

  constructor(private readonly k: LinuxKernel) {
    this.head = k.permanent(16);
    list.init(k.space, this.head);
  }

  readonly exports = {
    zpool_register_driver: (driver: Ptr) => this.register(driver),
    zpool_unregister_driver: (driver: Ptr) => this.unregister(driver),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'zpool driver', struct: 'zpool_driver', name: 'type', uses: ['create'] },
      listedStructs(this.k, 'zpool_driver', 'list', this.head),
    );
  }

  private register(driver: Ptr): void {
    const type = this.k.struct('zpool_driver');
    type.set(driver, 'refcount.counter', 0);
    this.k.origins.note(driver);
    list.add(this.k.space, type.addr(driver, 'list'), this.head);
  }

  /** -EBUSY while a pool uses the driver. */
  private unregister(driver: Ptr): number {
    const type = this.k.struct('zpool_driver');
    if (type.get(driver, 'refcount.counter') > 0) return -EBUSY;
    list.del(this.k.space, type.addr(driver, 'list'));
    return 0;
  }
}
