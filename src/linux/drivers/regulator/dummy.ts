import type { Ptr } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EINVAL, ENODEV, ENOMEM } from '../../errno.js';
import { errPtr, isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devres } from '../base/devres.js';

const NO_REGULATORS = 'nobody has registered a regulator';
const PLACE = 'drivers/regulator/core.c';

/**
 * Supplies of devices (drivers/regulator/core.c, dummy.c). Without a driver for regulators, a machine with ACPI has those that firmware looks
 * after: who asks for one gets a dummy that is always on.
 */
export class DummyRegulators implements Subsystem {
  static readonly builtIn = 'CONFIG_REGULATOR';

  /** How often the holder of each has enabled it. */
  private readonly enabled = new Map<Ptr, number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    regulator_get: partly(NO_REGULATORS, (device: Ptr, id: Ptr) => this.get(device, id)),
    devm_regulator_get: partly(NO_REGULATORS, (device: Ptr, id: Ptr) =>
      this.managed(device, this.get(device, id)),
    ),
    regulator_get_exclusive: partly(NO_REGULATORS, (device: Ptr) => this.refuse(device)),
    devm_regulator_get_exclusive: partly(NO_REGULATORS, (device: Ptr) => this.refuse(device)),
    regulator_get_optional: nothing(NO_REGULATORS, errPtr(ENODEV)),
    devm_regulator_get_optional: nothing(NO_REGULATORS, errPtr(ENODEV)),
    devm_regulator_get_enable: partly(NO_REGULATORS, (device: Ptr, id: Ptr) => this.getEnabled(device, id)),
    devm_regulator_get_enable_optional: nothing(NO_REGULATORS, -ENODEV),
    devm_regulator_get_enable_read_voltage: partly(
      NO_REGULATORS,
      (device: Ptr, id: Ptr) => this.getEnabled(device, id) || -EINVAL,
    ),
    regulator_put: (regulator: Ptr) => this.put(regulator),
    devm_regulator_put: (regulator: Ptr) => this.putManaged(regulator),
    regulator_enable: (regulator: Ptr) => this.enable(regulator),
    regulator_disable: (regulator: Ptr) => this.disable(regulator),
    regulator_force_disable: (regulator: Ptr) => this.forceDisable(regulator),
    regulator_is_enabled: nothing(NO_REGULATORS, 1),
    regulator_get_voltage: nothing(NO_REGULATORS, -EINVAL),
    regulator_set_voltage: nothing(NO_REGULATORS, -EINVAL),
    regulator_count_voltages: nothing(NO_REGULATORS, -EINVAL),
    regulator_list_voltage: nothing(NO_REGULATORS, -EINVAL),
    regulator_is_supported_voltage: nothing(NO_REGULATORS, 0),
    regulator_set_load: nothing(NO_REGULATORS, 0),
    regulator_register_notifier: nothing(NO_REGULATORS, 0),
    regulator_unregister_notifier: nothing(NO_REGULATORS, 0),
    devm_regulator_register_notifier: nothing(NO_REGULATORS, 0),
    regulator_bulk_get: (device: Ptr, count: number, consumers: Ptr) =>
      this.getMany(device, count, consumers, false),
    devm_regulator_bulk_get: (device: Ptr, count: number, consumers: Ptr) =>
      this.getMany(device, count, consumers, true),
    devm_regulator_bulk_get_enable: (device: Ptr, count: number, ids: Ptr) =>
      this.getManyEnabled(device, count, ids),
    regulator_bulk_enable: (count: number, consumers: Ptr) =>
      this.each(count, consumers, (regulator) => this.enable(regulator)),
    regulator_bulk_disable: (count: number, consumers: Ptr) =>
      this.each(count, consumers, (regulator) => this.disable(regulator)),
    regulator_bulk_free: (count: number, consumers: Ptr) => {
      this.each(count, consumers, (regulator) => {
        this.put(regulator);
        return 0;
      });
    },
    regulator_bulk_set_supply_names: (consumers: Ptr, names: Ptr, count: number) => {
      const type = this.k.struct('regulator_bulk_data');
      for (let i = 0; i < count; i++)
        type.set(consumers + i * type.size, 'supply', this.k.space.loadPtr(names + 8 * i));
    },
  };

  /** regulator_get(): a regulator, or an ERR_PTR. */
  private get(device: Ptr, id: Ptr): Ptr {
    const { k } = this;
    if (id === 0) {
      k.log.line('get() with no identifier', LOGLEVEL_ERR);
      return errPtr(EINVAL);
    }
    const type = k.struct('regulator');
    const regulator = k.slab.allocateBytes(type.size, true);
    if (regulator === 0) return errPtr(ENOMEM);
    const text = `supply ${k.space.cstring(id)} not found, using dummy regulator\n`;
    k.get(DevicePrintk).device(device, LOGLEVEL_WARNING, text);
    type.set(regulator, 'dev', device);
    this.enabled.set(regulator, 0);
    return regulator;
  }

  private refuse(device: Ptr): Ptr {
    const text = 'dummy supplies not allowed for exclusive requests\n';
    this.k.get(DevicePrintk).device(device, LOGLEVEL_WARNING, text);
    return errPtr(ENODEV);
  }

  private managed(device: Ptr, regulator: Ptr): Ptr {
    if (!isErr(regulator)) this.k.get(Devres).addHost(device, regulator, () => this.giveBack(regulator));
    return regulator;
  }

  // biome-ignore lint/correctness/useYield: resources of devices may sleep when they are released
  private *giveBack(regulator: Ptr): Sleepable<void> {
    this.put(regulator);
  }

  private putManaged(regulator: Ptr): void {
    if (!this.k.get(Devres).takeHost(this.k.struct('regulator').get(regulator, 'dev'), regulator))
      warn(this.k, '', 'drivers/regulator/devres.c', 'devm_regulator_put');
    this.put(regulator);
  }

  /** regulator_put(): whoever enabled it has to have disabled it. */
  private put(regulator: Ptr): void {
    if (regulator === 0 || isErr(regulator)) return;
    if ((this.enabled.get(regulator) ?? 0) > 0) warn(this.k, '', PLACE, '_regulator_put');
    this.enabled.delete(regulator);
    this.k.slab.free(regulator);
  }

  private enable(regulator: Ptr): number {
    this.enabled.set(regulator, (this.enabled.get(regulator) ?? 0) + 1);
    return 0;
  }

  private disable(regulator: Ptr): number {
    const count = this.enabled.get(regulator) ?? 0;
    if (count === 0) {
      this.k.log.line('regulator-dummy: Underflow of regulator enable count', LOGLEVEL_ERR);
      return -EINVAL;
    }
    this.enabled.set(regulator, count - 1);
    return 0;
  }

  private forceDisable(regulator: Ptr): number {
    this.enabled.set(regulator, 0);
    return 0;
  }

  private getEnabled(device: Ptr, id: Ptr): number {
    const regulator = this.get(device, id);
    if (isErr(regulator)) return ptrErr(regulator);
    this.enable(regulator);
    const { k } = this;
    const self = this;
    // biome-ignore lint/correctness/useYield: resources of devices may sleep when they are released
    k.get(Devres).addHost(device, regulator, function* () {
      self.disable(regulator);
      self.put(regulator);
    });
    return 0;
  }

  private getMany(device: Ptr, count: number, consumers: Ptr, managed: boolean): number {
    const type = this.k.struct('regulator_bulk_data');
    for (let i = 0; i < count; i++) {
      const at = consumers + i * type.size;
      const regulator = this.get(device, type.get(at, 'supply'));
      if (isErr(regulator)) return ptrErr(regulator);
      type.set(at, 'consumer', managed ? this.managed(device, regulator) : regulator);
    }
    return 0;
  }

  private getManyEnabled(device: Ptr, count: number, ids: Ptr): number {
    for (let i = 0; i < count; i++) {
      const error = this.getEnabled(device, this.k.space.loadPtr(ids + 8 * i));
      if (error) return error;
    }
    return 0;
  }

  private each(count: number, consumers: Ptr, act: (regulator: Ptr) => number): number {
    const type = this.k.struct('regulator_bulk_data');
    for (let i = 0; i < count; i++) {
      const error = act(type.get(consumers + i * type.size, 'consumer'));
      if (error) return error;
    }
    return 0;
  }
}
