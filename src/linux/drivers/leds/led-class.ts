import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENODATA } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Mutexes } from '../../locking/mutex.js';
import { RwSemaphores } from '../../locking/rwsem.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Classes } from '../base/class.js';
import { Devices } from '../base/core.js';
import { kobjOf } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { createDevice, registerBuiltinClass } from '../base/host-class.js';
import { LedBlinking } from './led-blinking.js';
import { LedBrightness } from './led-brightness.js';
import { LedTriggers } from './led-trigger.js';

/** led_classdev.flags (include/linux/leds.h). */
const LED_SUSPENDED = 1;
const LED_BRIGHT_HW_CHANGED = 1 << 21;
const LED_RETAIN_AT_SHUTDOWN = 1 << 22;
/** The file, and the member, that tell what the hardware changed. */
const HARDWARE = 'brightness_hw_changed';

/** /sys/class/leds (drivers/leds/led-class.c). */
export class LedClass implements Subsystem {
  static readonly builtIn = 'CONFIG_LEDS_CLASS';

  private cls: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    led_classdev_register_ext: (parent: Ptr, led: Ptr, init: Ptr) => this.register(parent, led, init),
    led_classdev_unregister: (led: Ptr) => this.unregister(led),
    led_classdev_notify_brightness_hw_changed: (led: Ptr, brightness: number) =>
      this.hardwareChanged(led, brightness),
    devm_led_classdev_register_ext: (parent: Ptr, led: Ptr, init: Ptr) =>
      this.registerManaged(parent, led, init),
    devm_led_classdev_unregister: (device: Ptr, led: Ptr) => this.unregisterManaged(device, led),
    led_classdev_suspend: (led: Ptr) => this.setFlag(led, true),
    led_classdev_resume: (led: Ptr) => this.setFlag(led, false),
  };

  boot(): void {
    this.cls = registerBuiltinClass(this.k, 'leds');
  }

  private *register(parent: Ptr, led: Ptr, init: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('led_classdev');
    const wanted = this.wantedName(led, init);
    if (wanted === '') return -EINVAL;
    const name = this.freeName(wanted);
    k.get(Mutexes).init(type.addr(led, 'led_access'));
    const groups = type.get(led, 'groups');
    const device = yield* createDevice(k, this.cls, { parent, data: led, groups, name });
    if (isErr(device)) return ptrErr(device);
    type.set(led, 'dev', device);
    if (name !== wanted)
      k.log.line(`leds ${name}: Led ${wanted} renamed to ${name} due to name collision`, LOGLEVEL_WARNING);
    type.set(led, 'work_flags', 0);
    k.get(RwSemaphores).init(type.addr(led, 'trigger_lock'));
    list.init(k.space, type.addr(led, 'trig_list'));
    list.init(k.space, type.addr(led, 'node'));
    if (type.get(led, 'max_brightness') === 0) type.set(led, 'max_brightness', 255);
    k.get(LedBrightness).add(led);
    this.addFiles(led, device);
    yield* k.get(LedBrightness).update(led);
    if (k.has(LedTriggers)) yield* k.get(LedTriggers).setDefault(led);
    return 0;
  }

  private *unregister(led: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('led_classdev');
    const device = type.get(led, 'dev');
    if (device === 0 || isErr(device)) return;
    if (k.has(LedTriggers) && type.get(led, 'trigger') !== 0) yield* k.get(LedTriggers).set(led, 0);
    const retain = type.get(led, 'flags') & LED_RETAIN_AT_SHUTDOWN;
    k.get(LedBlinking).stop(led);
    if (!retain) yield* k.get(LedBrightness).set(led, 0);
    k.get(LedBrightness).delete(led);
    yield* k.get(Devices).unregister(device);
  }

  private *registerManaged(parent: Ptr, led: Ptr, init: Ptr): Sleepable<number> {
    const error = yield* this.register(parent, led, init);
    if (error === 0) this.k.get(Devres).addHost(parent, led, () => this.unregister(led));
    return error;
  }

  private *unregisterManaged(device: Ptr, led: Ptr): Sleepable<void> {
    if (this.k.get(Devres).takeHost(device, led)) yield* this.unregister(led);
  }

  private wantedName(led: Ptr, init: Ptr): string {
    const own = this.k.struct('led_classdev').string(led, 'name');
    if (init === 0) return own;
    const type = this.k.struct('led_init_data');
    const label = type.string(init, 'default_label');
    const device = type.string(init, 'devicename');
    if (label === '') return own;
    return device === '' ? label : `${device}:${label}`;
  }

  private freeName(wanted: string): string {
    const taken = new Set(
      this.k
        .get(Classes)
        .devices(this.cls)
        .map((device) => deviceName(this.k, device)),
    );
    let name = wanted;
    for (let suffix = 1; taken.has(name); suffix++) name = `${wanted}_${suffix}`;
    return name;
  }

  /** brightness and max_brightness (Documentation/ABI/testing/sysfs-class-led), and trigger where the kernel has them. */
  private addFiles(led: Ptr, device: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const type = k.struct('led_classdev');
    const directory = sysfs.directoryOf(kobjOf(k, device))!;
    const leds = k.get(LedBrightness);
    const blinking = k.get(LedBlinking);
    const triggers = k.has(LedTriggers) ? k.get(LedTriggers) : undefined;
    sysfs.addText(
      directory,
      'brightness',
      0o644,
      function* () {
        yield* leds.update(led);
        return `${type.get(led, 'brightness')}\n`;
      },
      function* (text) {
        const value = Number(text.trim());
        if (!Number.isInteger(value) || value < 0) return -EINVAL;
        if (value === 0 && triggers) yield* triggers.set(led, 0);
        return yield* blinking.change(led, value);
      },
    );
    sysfs.addText(directory, 'max_brightness', 0o444, () => `${type.get(led, 'max_brightness')}\n`);
    if (triggers) this.addTriggerFile(led, directory, triggers);
    if (this.tellsOfHardware(led)) this.addHardwareFile(led, directory);
  }

  /** Whether the hardware may change a LED by itself, and the kernel is built to tell of it. */
  private tellsOfHardware(led: Ptr): boolean {
    const type = this.k.struct('led_classdev');
    return type.has(HARDWARE) && (type.get(led, 'flags') & LED_BRIGHT_HW_CHANGED) !== 0;
  }

  /** brightness_hw_changed: what the hardware last set; ENODATA until it does. */
  private addHardwareFile(led: Ptr, directory: SysfsDirectory): void {
    const type = this.k.struct('led_classdev');
    type.set(led, HARDWARE, -1);
    // biome-ignore lint/correctness/useYield: only a generator may answer with an error
    this.k.get(Sysfs).addText(directory, HARDWARE, 0o444, function* () {
      const value = type.get(led, HARDWARE);
      return value < 0 ? -ENODATA : `${value}\n`;
    });
  }

  /** led_classdev_notify_brightness_hw_changed(): who polls the file is woken. */
  private hardwareChanged(led: Ptr, brightness: number): void {
    const { k } = this;
    if (!this.tellsOfHardware(led)) {
      warn(k, '', 'drivers/leds/led-class.c', 'led_classdev_notify_brightness_hw_changed');
      return;
    }
    const type = k.struct('led_classdev');
    type.set(led, HARDWARE, brightness);
    const sysfs = k.get(Sysfs);
    sysfs.notify(sysfs.directoryOf(kobjOf(k, type.get(led, 'dev')))?.children.get(HARDWARE));
  }

  private addTriggerFile(led: Ptr, directory: SysfsDirectory, triggers: LedTriggers): void {
    const { k } = this;
    const type = k.struct('led_classdev');
    const names = (): string[] =>
      triggers.all().map((trigger) => k.struct('led_trigger').string(trigger, 'name'));
    k.get(Sysfs).addText(
      directory,
      'trigger',
      0o644,
      () => {
        const current = type.get(led, 'trigger');
        const now = current === 0 ? 'none' : k.struct('led_trigger').string(current, 'name');
        return `${['none', ...names()].map((name) => (name === now ? `[${name}]` : name)).join(' ')}\n`;
      },
      (text) => {
        const name = text.trim();
        if (name === 'none') return triggers.set(led, 0);
        const trigger = triggers.all()[names().indexOf(name)];
        return trigger === undefined ? -EINVAL : triggers.set(led, trigger);
      },
    );
  }

  private setFlag(led: Ptr, suspended: boolean): void {
    const type = this.k.struct('led_classdev');
    const flags = type.get(led, 'flags');
    type.set(led, 'flags', suspended ? flags | (LED_SUSPENDED << 16) : flags & ~(LED_SUSPENDED << 16));
  }
}
