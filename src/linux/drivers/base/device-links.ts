import type { Ptr } from '../../../cpu/layout.js';
import { partly } from '../../../kernel/abi/fidelity.js';
import { noSuchObject } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const LIMIT = 'devices are suspended and removed in no other order for it';

/** Which devices need which (Documentation/driver-api/device_link.rst): links are kept and counted, nothing is done with them. */
export class DeviceLinks implements Subsystem {
  private readonly links: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    device_link_add: partly(LIMIT, (consumer: Ptr, supplier: Ptr, flags: number) =>
      this.add(consumer, supplier, flags),
    ),
    device_link_del: (link: Ptr) => this.put(link),
    device_link_remove: (consumer: Ptr, supplier: Ptr) => {
      const link = this.find(consumer, supplier);
      if (link !== 0) this.put(link);
    },
  };

  private get type() {
    return this.k.struct('device_link');
  }

  /** The link of two devices, another reference on it where there is one; 0 for a device that would need itself. */
  private add(consumer: Ptr, supplier: Ptr, flags: number): Ptr {
    const { type } = this;
    if (consumer === 0 || supplier === 0 || consumer === supplier) return 0;
    const known = this.find(consumer, supplier);
    if (known !== 0) {
      type.set(known, 'kref.refcount.refs.counter', type.get(known, 'kref.refcount.refs.counter') + 1);
      return known;
    }
    const link = this.k.slab.allocateBytes(type.size, true);
    this.links.push(link);
    type.set(link, 'consumer', consumer);
    type.set(link, 'supplier', supplier);
    type.set(link, 'flags', flags);
    type.set(link, 'kref.refcount.refs.counter', 1);
    return link;
  }

  private put(link: Ptr): void {
    const { type } = this;
    if (!this.links.includes(link)) throw noSuchObject(this.k.space, link, 'device link');
    const left = type.get(link, 'kref.refcount.refs.counter') - 1;
    type.set(link, 'kref.refcount.refs.counter', left);
    if (left > 0) return;
    this.links.splice(this.links.indexOf(link), 1);
    this.k.slab.free(link);
  }

  private find(consumer: Ptr, supplier: Ptr): Ptr {
    const { type } = this;
    const isIt = (link: Ptr): boolean =>
      type.get(link, 'consumer') === consumer && type.get(link, 'supplier') === supplier;
    return this.links.find(isIt) ?? 0;
  }
}
