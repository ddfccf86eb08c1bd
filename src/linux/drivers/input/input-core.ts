import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { freeConst } from '../../kobject/names.js';
import { Uevents } from '../../kobject/uevent.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { kobjOf, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { registerBuiltinClass } from '../base/host-class.js';
import { bitsOf, EV, hasBit, setBit } from './input-bits.js';
import { InputHandlers } from './input-handlers.js';

const MIN_VALUES = 7;
const EXTRA_VALUES = 2;

/** Input devices (drivers/input/input.c, Documentation/input/input-programming.rst). */
export class InputCore implements Subsystem {
  static readonly builtIn = 'CONFIG_INPUT';

  private cls: Ptr = 0;
  private type: Ptr = 0;
  private nextNumber = 0;
  /** Devices whose memory is managed. */
  private readonly managed = new Map<Ptr, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    input_allocate_device: () => this.allocate(),
    devm_input_allocate_device: (device: Ptr) => this.allocateManaged(device),
    input_free_device: (dev: Ptr) => this.free(dev),
    input_register_device: (dev: Ptr) => this.register(dev),
    input_unregister_device: (dev: Ptr) => this.unregister(dev),
    input_set_capability: (dev: Ptr, type: number, code: number) => this.setCapability(dev, type, code),
    input_alloc_absinfo: (dev: Ptr) => this.allocateAbsolute(dev),
    input_set_abs_params: (dev: Ptr, axis: number, min: number, max: number, fuzz: number, flat: number) =>
      this.setAbsolute(dev, axis, { minimum: min, maximum: max, fuzz, flat }),
    input_setup_polling: (dev: Ptr, poll: Ptr) => this.setupPolling(dev, poll),
    input_set_poll_interval: (dev: Ptr, interval: number) => this.setPolling(dev, 'poll_interval', interval),
    input_set_min_poll_interval: (dev: Ptr, interval: number) =>
      this.setPolling(dev, 'poll_interval_min', interval),
    input_set_max_poll_interval: (dev: Ptr, interval: number) =>
      this.setPolling(dev, 'poll_interval_max', interval),
    input_enable_softrepeat: (dev: Ptr, delay: number, period: number) => {
      const rep = this.k.struct('input_dev').addr(dev, 'rep');
      this.k.space.store32(rep, delay);
      this.k.space.store32(rep + 4, period);
    },
  };

  boot(): void {
    const { k } = this;
    const at = k.hasSymbol('input_class') ? k.symbol('input_class') : undefined;
    this.cls = registerBuiltinClass(k, 'input', at);
    this.type = k.permanent(k.sizeOf('device_type'));
    const kind = k.struct('device_type');
    kind.bind(this.type, 'release', 'input_dev_release', (device: Ptr) => this.released(device));
    kind.bind(this.type, 'uevent', 'input_dev_uevent', (device: Ptr, env: Ptr) => this.uevent(device, env));
  }

  private allocate(): Ptr {
    const { k } = this;
    const type = k.struct('input_dev');
    const dev = k.slab.allocateBytes(type.size, true);
    if (dev === 0) return 0;
    type.set(dev, 'dev.type', this.type);
    type.set(dev, 'dev.class', this.cls);
    const device = type.addr(dev, 'dev');
    k.get(Devices).initialize(device);
    k.get(Mutexes).init(type.addr(dev, 'mutex'));
    for (const head of ['h_list', 'node']) list.init(k.space, type.addr(dev, head));
    k.get(Devices).setName(device, `input${this.nextNumber++}`);
    return dev;
  }

  private allocateManaged(device: Ptr): Ptr {
    const { k } = this;
    const dev = this.allocate();
    if (dev === 0) return 0;
    const type = k.struct('input_dev');
    type.set(dev, 'dev.parent', device);
    type.set(dev, 'devres_managed', 1);
    this.managed.set(dev, device);
    k.get(Devres).addHost(device, dev, () => putDevice(k, type.addr(dev, 'dev')));
    return dev;
  }

  private *free(dev: Ptr): Sleepable<void> {
    const { k } = this;
    if (dev === 0) return;
    const parent = this.managed.get(dev);
    if (parent !== undefined) {
      this.managed.delete(dev);
      if (!k.get(Devres).takeHost(parent, dev)) return;
    }
    yield* putDevice(k, k.struct('input_dev').addr(dev, 'dev'));
  }

  /** input_register_device(): visible from now on, and offered to every handler. */
  private *register(dev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('input_dev');
    if (hasBit(k, type.addr(dev, 'evbit'), EV.ABS) && type.get(dev, 'absinfo') === 0) {
      k.log.line('Absolute device without dev->absinfo, refusing to register', LOGLEVEL_ERR);
      return -EINVAL;
    }
    setBit(k, type.addr(dev, 'evbit'), EV.SYN);
    const packet = type.get(dev, 'hint_events_per_packet') || this.packetSize(dev);
    type.set(dev, 'hint_events_per_packet', packet);
    const values = packet + EXTRA_VALUES;
    type.set(dev, 'max_vals', values);
    const vals = k.slab.allocateBytes(values * k.sizeOf('input_value'), true);
    if (vals === 0) return -ENOMEM;
    type.set(dev, 'vals', vals);
    const rep = type.addr(dev, 'rep');
    if (k.space.loadInt32(rep) === 0 && k.space.loadInt32(rep + 4) === 0) {
      k.space.store32(rep, 250);
      k.space.store32(rep + 4, 33);
    }
    const device = type.addr(dev, 'dev');
    const error = yield* k.get(Devices).add(device);
    if (error) {
      k.slab.free(vals);
      type.set(dev, 'vals', 0);
      return error;
    }
    const path = k.get(Kobjects).path(kobjOf(k, device)) ?? 'N/A';
    k.log.line(`input: ${type.string(dev, 'name') || 'Unspecified device'} as ${path}`, LOGLEVEL_INFO);
    yield* k.get(InputHandlers).deviceAdded(dev);
    if (type.get(dev, 'devres_managed')) {
      const parent = this.managed.get(dev)!;
      k.get(Devres).addHost(parent, device, () => this.takeOff(dev));
    }
    return 0;
  }

  private *unregister(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_dev');
    const parent = this.managed.get(dev);
    if (parent !== undefined) {
      k.get(Devres).takeHost(parent, type.addr(dev, 'dev'));
      yield* this.takeOff(dev);
      return;
    }
    yield* this.takeOff(dev);
    yield* putDevice(k, type.addr(dev, 'dev'));
  }

  /** __input_unregister_device() */
  private *takeOff(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_dev');
    type.set(dev, 'going_away', 1);
    yield* k.get(InputHandlers).deviceGoing(dev);
    yield* k.get(Devices).del(type.addr(dev, 'dev'));
  }

  private released(device: Ptr): void {
    const { k } = this;
    const type = k.struct('input_dev');
    const dev = type.of(device, 'dev');
    this.managed.delete(dev);
    for (const member of ['poller', 'absinfo', 'vals', 'mt']) freeConst(k, type.get(dev, member));
    k.slab.free(dev);
  }

  private setCapability(dev: Ptr, kind: number, code: number): void {
    const { k } = this;
    const type = k.struct('input_dev');
    const map = bitsOf(kind);
    if (map === undefined) {
      if (kind !== EV.PWR) {
        k.log.line(`input_set_capability: unknown type ${kind} (code ${code})`, LOGLEVEL_ERR);
        k.traps.dumpStack();
        return;
      }
    } else {
      if (kind === EV.ABS) this.allocateAbsolute(dev);
      setBit(k, type.addr(dev, map), code);
    }
    setBit(k, type.addr(dev, 'evbit'), kind);
  }

  private allocateAbsolute(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('input_dev');
    if (type.get(dev, 'absinfo') !== 0) return;
    const axes = type.member('absbit').size * 8;
    type.set(dev, 'absinfo', k.slab.allocateBytes(axes * k.sizeOf('input_absinfo'), true));
  }

  private setAbsolute(dev: Ptr, axis: number, values: Readonly<Record<string, number>>): void {
    const { k } = this;
    const type = k.struct('input_dev');
    setBit(k, type.addr(dev, 'evbit'), EV.ABS);
    setBit(k, type.addr(dev, 'absbit'), axis);
    this.allocateAbsolute(dev);
    const info = k.struct('input_absinfo');
    const at = type.get(dev, 'absinfo') + axis * info.size;
    for (const [member, value] of Object.entries(values)) info.set(at, member, value);
  }

  private setupPolling(dev: Ptr, poll: Ptr): number {
    const { k } = this;
    const poller = k.slab.allocateBytes(k.sizeOf('input_dev_poller'), true);
    if (poller === 0) return -ENOMEM;
    k.struct('input_dev_poller').set(poller, 'poll', poll);
    k.struct('input_dev_poller').set(poller, 'input', dev);
    list.init(k.space, k.struct('input_dev_poller').addr(poller, 'work.work.entry'));
    k.struct('input_dev').set(dev, 'poller', poller);
    return 0;
  }

  private setPolling(dev: Ptr, member: string, interval: number): void {
    const poller = this.k.struct('input_dev').get(dev, 'poller');
    if (poller !== 0) this.k.struct('input_dev_poller').set(poller, member, interval);
  }

  /** Events in one report at most (input_estimate_events_per_packet). */
  private packetSize(dev: Ptr): number {
    const { k } = this;
    const type = k.struct('input_dev');
    const count = (map: string): number => {
      const { size } = type.member(map);
      let bits = 0;
      for (const byte of k.space.readable(type.addr(dev, map), size))
        for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
      return bits;
    };
    const axes = hasBit(k, type.addr(dev, 'evbit'), EV.ABS) ? count('absbit') : 0;
    const relative = hasBit(k, type.addr(dev, 'evbit'), EV.REL) ? count('relbit') : 0;
    return 1 + axes + relative + MIN_VALUES;
  }

  private uevent(device: Ptr, env: Ptr): number {
    const { k } = this;
    const type = k.struct('input_dev');
    const dev = type.of(device, 'dev');
    const hex = (member: string): string => type.get(dev, `id.${member}`).toString(16);
    const uevents = k.get(Uevents);
    uevents.addVar(env, `PRODUCT=${['bustype', 'vendor', 'product', 'version'].map(hex).join('/')}`);
    for (const member of ['name', 'phys', 'uniq'])
      if (type.get(dev, member) !== 0)
        uevents.addVar(env, `${member.toUpperCase()}="${type.string(dev, member)}"`);
    return 0;
  }
}
