import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { DriverBus } from '../base/driver-bus.js';

const SERIO_ANY = 0xff;

/** The serio bus: keyboards and mice on serial ports (drivers/input/serio/serio.c). */
export class SerioBus implements Subsystem {
  static readonly builtIn = 'CONFIG_SERIO';

  private own: DriverBus | undefined;
  private nextPort = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __serio_register_driver: (driver: Ptr, owner: Ptr, modName: Ptr) =>
      this.bus.register(driver, owner, { modName }),
    serio_unregister_driver: (driver: Ptr) => this.bus.unregister(driver),
    __serio_register_port: (serio: Ptr) => this.registerPort(serio),
    serio_unregister_port: (serio: Ptr) =>
      this.k.get(Devices).unregister(this.k.struct('serio').addr(serio, 'dev')),
    serio_open: (serio: Ptr, driver: Ptr) => this.open(serio, driver),
    serio_close: (serio: Ptr) => this.close(serio),
    serio_interrupt: (serio: Ptr, data: number, flags: number) => this.interrupt(serio, data, flags),
  };

  boot(): void {
    this.own = new DriverBus(
      this.k,
      {
        variable: 'serio_bus',
        name: 'serio',
        driver: 'serio_driver',
        driverMember: 'driver',
        device: 'serio',
        deviceMember: 'dev',
      },
      {
        match: (device: Ptr, driver: Ptr) => this.match(device, driver),
        probe: (device: Ptr) => this.bus.callDriver(device, 'connect', this.bus.driverFor(device)),
        remove: (device: Ptr) => this.bus.tellDriver(device, 'disconnect'),
        shutdown: (device: Ptr) => this.bus.tellDriver(device, 'cleanup'),
      },
    );
  }

  get bus(): DriverBus {
    return this.own!;
  }

  private match(device: Ptr, driver: Ptr): number {
    const { k } = this;
    const serio = this.bus.deviceOf(device);
    const own = this.bus.driverOf(driver);
    const port = k.struct('serio');
    if (port.get(serio, 'manual_bind') || k.struct('serio_driver').get(own, 'manual_bind')) return 0;
    const id = k.struct('serio_device_id');
    const fits = (at: Ptr, field: string): boolean =>
      id.get(at, field) === SERIO_ANY || id.get(at, field) === port.get(serio, `id.${field}`);
    const table = k.struct('serio_driver').get(own, 'id_table');
    for (let at = table; at !== 0 && (id.get(at, 'type') || id.get(at, 'proto')); at += id.size)
      if (['type', 'extra', 'id', 'proto'].every((field) => fits(at, field))) return 1;
    return 0;
  }

  private *registerPort(serio: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('serio');
    k.get(Mutexes).init(type.addr(serio, 'drv_mutex'));
    for (const head of ['node', 'child_node', 'children'])
      if (type.has(head)) list.init(k.space, type.addr(serio, head));
    const device = type.addr(serio, 'dev');
    k.get(Devices).initialize(device);
    k.get(Devices).setName(device, `serio${this.nextPort++}`);
    type.set(serio, 'dev.bus', this.bus.bus);
    type.bind(serio, 'dev.release', 'serio_release_port', (dev: Ptr) => k.slab.free(type.of(dev, 'dev')));
    if (type.get(serio, 'start') !== 0) yield* type.call(serio, 'start', serio);
    const error = yield* k.get(Devices).add(device);
    if (error)
      k.log.line(`serio: device_add() failed for ${type.text(serio, 'phys')}, error: ${error}`, LOGLEVEL_ERR);
  }

  private *open(serio: Ptr, driver: Ptr): Sleepable<number> {
    const type = this.k.struct('serio');
    type.set(serio, 'drv', driver);
    if (type.get(serio, 'open') === 0 || (yield* type.call(serio, 'open', serio)) === 0) return 0;
    type.set(serio, 'drv', 0);
    return -EINVAL;
  }

  private *close(serio: Ptr): Sleepable<void> {
    const type = this.k.struct('serio');
    if (type.get(serio, 'close') !== 0) yield* type.call(serio, 'close', serio);
    type.set(serio, 'drv', 0);
  }

  private *interrupt(serio: Ptr, data: number, flags: number): Sleepable<number> {
    const driver = this.k.struct('serio').get(serio, 'drv');
    const type = this.k.struct('serio_driver');
    if (driver === 0 || type.get(driver, 'interrupt') === 0) return 0;
    return yield* type.call(driver, 'interrupt', serio, data, flags);
  }
}
