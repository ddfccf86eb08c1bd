import type { Ptr } from '../../cpu/layout.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusGeneric } from './bus-generic.js';
import { BusTree } from './bus-tree.js';
import { DS_ATTACHED } from './device.js';
import { DeviceAttach } from './device-attach.js';
import { DriverModules } from './driver-modules.js';
import { fillClass, type KernelClass } from './kernel-class.js';
import { Kobj } from './kobj.js';
import { Nexus } from './nexus.js';
import { PciBus } from './pci.js';

/** Bytes of a set of processors (cpuset_t of 14: 1024 bits). */
const CPUSET_BYTES = 128;

/**
 * The top of the tree: root0 with nexus0 below it, and the buses that modules' drivers are for (root_bus_configure() of
 * sys/kern/subr_bus.c). What is found at boot is not told: that is the machine's, not a module's.
 */
export class RootBus implements Subsystem {
  readonly exports = {};

  readonly data = {
    root_bus: () => {},
    root_devclass: () => {},
    // BUS_PASS_DEFAULT: boot is over.
    bus_current_pass: (at: Ptr) => this.k.space.store32(at, 0x7fff_ffff),
  };

  constructor(private readonly k: FreebsdKernel) {}

  boot(): void {
    this.k.get(Nexus).initResources();
    runNow(this.configure());
  }

  private get class(): KernelClass {
    return {
      name: 'root',
      size: 1,
      methods: {
        device_shutdown: 'bus_generic_shutdown',
        device_suspend: 'bus_generic_suspend',
        device_resume: 'bus_generic_resume',
        bus_print_child: (_dev: Ptr, child: Ptr) =>
          this.k.get(BusGeneric).printHeader(this.k.get(BusTree).at(child)) + this.k.get(SubrPrf).print('\n'),
        bus_read_ivar: 'bus_generic_read_ivar',
        bus_write_ivar: 'bus_generic_write_ivar',
        bus_setup_intr: () => this.k.panic('root_setup_intr'),
        bus_child_present: () => -1,
        bus_get_cpus: (_dev: Ptr, _child: Ptr, set: number, size: number, place: Ptr) =>
          this.cpus(set, size, place),
      },
    };
  }

  private cpus(set: number, size: number, place: Ptr): number {
    const { k } = this;
    if (set !== k.enumValue('INTR_CPUS') || size !== CPUSET_BYTES) return EINVAL;
    k.space.writable(place, size).fill(0);
    k.space.store64(place, 1n);
    return 0;
  }

  private *configure(): Sleepable<void> {
    const { k } = this;
    const tree = k.get(BusTree);
    const driver = this.driver('root_driver', (at) => fillClass(k, at, this.class));
    const root = yield* tree.make(undefined, 'root', 0);
    if (!root) throw new Error('there is a root bus already');
    root.desc = k.constantString('System root bus');
    k.get(Kobj).delete(root.at, 0);
    k.get(Kobj).init(root.at, driver);
    root.driver = driver;
    root.state = DS_ATTACHED;
    tree.root = root;
    k.space.storePtr(k.variable('root_bus', 8), root.at);
    k.space.storePtr(k.variable('root_devclass', 8), tree.devclass('root').handle);
    yield* this.add(
      'root',
      this.driver('nexus_driver', (at) => k.get(Nexus).fill(at)),
    );
    yield* k.get(PciBus).add((bus, name, fill) => this.add(bus, this.driver(name, fill)));
    const attach = k.get(DeviceAttach);
    yield* attach.addChild(root, 10, 'nexus', 0);
    yield* k.get(BusGeneric).attach(root);
  }

  private driver(name: string, fill: (at: Ptr) => void): Ptr {
    const at = this.k.variable(name, this.k.sizeOf('kobj_class'));
    fill(at);
    return at;
  }

  private *add(bus: string, driver: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(DriverModules).add(k.get(BusTree).devclass(bus), driver, k.macro('BUS_PASS_DEFAULT'), 0);
  }
}
