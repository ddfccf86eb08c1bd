import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

interface Component {
  readonly device: Ptr;
  readonly ops: Ptr;
  readonly subcomponent: number;
}

/**
 * Parts of a larger device that wait for the driver that puts them together (drivers/base/component.c).
 * Drivers that put parts together (component_master_add_with_match) are not implemented, so parts only wait.
 */
export class Components implements Subsystem {
  private components: Component[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    component_add: (device: Ptr, ops: Ptr) => this.add(device, ops, 0),
    component_add_typed: (device: Ptr, ops: Ptr, subcomponent: number) =>
      subcomponent === 0 ? -EINVAL : this.add(device, ops, subcomponent),
    component_del: (device: Ptr, ops: Ptr) => this.remove(device, ops),
  };

  *holds(): Generator<Holding> {
    for (const { device, ops } of this.components)
      yield { kind: 'component', at: ops, name: () => deviceName(this.k, device) };
  }

  private add(device: Ptr, ops: Ptr, subcomponent: number): number {
    this.k.origins.note(ops);
    this.components.push({ device, ops, subcomponent });
    return 0;
  }

  private remove(device: Ptr, ops: Ptr): void {
    const found = this.components.find((one) => one.device === device && one.ops === ops);
    if (!found) warn(this.k, '', 'drivers/base/component.c', 'component_del');
    this.components = this.components.filter((one) => one !== found);
  }
}
