import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EEXIST } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';
import { LedBlinking } from './led-blinking.js';
import { LedBrightness } from './led-brightness.js';

/** LED triggers: what switches a LED (drivers/leds/led-triggers.c, Documentation/leds/leds-class.rst). */
export class LedTriggers implements Subsystem {
  static readonly builtIn = 'CONFIG_LEDS_TRIGGERS';

  private list: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    led_trigger_register: (trigger: Ptr) => this.register(trigger),
    led_trigger_unregister: (trigger: Ptr) => this.unregister(trigger),
    devm_led_trigger_register: (device: Ptr, trigger: Ptr) => this.registerManaged(device, trigger),
    led_trigger_register_simple: (name: Ptr, slot: Ptr) => this.registerSimple(name, slot),
    led_trigger_unregister_simple: (trigger: Ptr) => this.unregisterSimple(trigger),
    led_trigger_event: (trigger: Ptr, brightness: number) => this.event(trigger, brightness),
    led_trigger_blink: (trigger: Ptr, on: Ptr, off: Ptr) =>
      this.blink(trigger, this.delay(on), this.delay(off), false),
    led_trigger_blink_oneshot: (trigger: Ptr, on: Ptr, off: Ptr, invert: number) =>
      this.blink(trigger, this.delay(on), this.delay(off), true, invert !== 0),
    led_trigger_set: (led: Ptr, trigger: Ptr) => this.set(led, trigger),
    led_trigger_remove: (led: Ptr) => this.set(led, 0),
    led_trigger_set_default: (led: Ptr) => this.setDefault(led),
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'led_trigger', 'next_trig', this.list);
    return heldStructs(this.k, { kind: 'LED trigger', struct: 'led_trigger', name: 'name' }, listed);
  }

  boot(): void {
    const { k } = this;
    this.list = k.hasSymbol('trigger_list') ? k.symbol('trigger_list') : k.permanent(16);
    list.init(k.space, this.list);
  }

  /** Triggers in the order they were registered. */
  all(): Ptr[] {
    const type = this.k.struct('led_trigger');
    return [...list.entries(this.k.space, this.list)].map((node) => type.of(node, 'next_trig'));
  }

  /** Makes a LED's default trigger its own, when it is there. */
  *setDefault(led: Ptr): Sleepable<void> {
    const wanted = this.k.struct('led_classdev').string(led, 'default_trigger');
    if (wanted === '') return;
    const type = this.k.struct('led_trigger');
    const trigger = this.all().find((other) => type.string(other, 'name') === wanted);
    if (trigger !== undefined) yield* this.set(led, trigger);
  }

  /** led_trigger_set(): gives a LED another trigger, or none. */
  *set(led: Ptr, trigger: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('led_trigger');
    const classdev = k.struct('led_classdev');
    const old = classdev.get(led, 'trigger');
    if (old !== 0) {
      list.delInit(k.space, classdev.addr(led, 'trig_list'));
      k.get(LedBlinking).stop(led);
      if (type.get(old, 'deactivate') !== 0) yield* type.call(old, 'deactivate', led);
      classdev.set(led, 'trigger', 0);
      classdev.set(led, 'trigger_data', 0);
      classdev.set(led, 'activated', 0);
      yield* k.get(LedBrightness).set(led, 0);
    }
    if (trigger === 0) return 0;
    list.addTail(k.space, classdev.addr(led, 'trig_list'), type.addr(trigger, 'led_cdevs'));
    classdev.set(led, 'trigger', trigger);
    const activates = type.get(trigger, 'activate') !== 0;
    const error = activates ? yield* type.call(trigger, 'activate', led) : 0;
    if (!activates) yield* k.get(LedBrightness).set(led, type.get(trigger, 'brightness'));
    if (error) {
      list.delInit(k.space, classdev.addr(led, 'trig_list'));
      classdev.set(led, 'trigger', 0);
    }
    return error;
  }

  private *register(trigger: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('led_trigger');
    list.init(k.space, type.addr(trigger, 'led_cdevs'));
    const kind = type.get(trigger, 'trigger_type');
    const same = (other: Ptr): boolean => {
      const otherKind = type.get(other, 'trigger_type');
      return (
        type.string(other, 'name') === type.string(trigger, 'name') &&
        (otherKind === kind || otherKind === 0 || kind === 0)
      );
    };
    if (this.all().some(same)) return -EEXIST;
    this.append(trigger);
    const classdev = k.struct('led_classdev');
    for (const led of k.get(LedBrightness).leds())
      if (
        classdev.get(led, 'trigger') === 0 &&
        classdev.string(led, 'default_trigger') === type.string(trigger, 'name')
      )
        yield* this.set(led, trigger);
    return 0;
  }

  /** Behind those that are there. */
  append(trigger: Ptr): void {
    list.addTail(this.k.space, this.k.struct('led_trigger').addr(trigger, 'next_trig'), this.list);
  }

  private *unregister(trigger: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('led_trigger');
    const node = type.addr(trigger, 'next_trig');
    if (k.space.loadPtr(node) === 0 || list.isEmpty(k.space, node)) return;
    list.delInit(k.space, node);
    const classdev = k.struct('led_classdev');
    for (const led of k.get(LedBrightness).leds())
      if (classdev.get(led, 'trigger') === trigger) yield* this.set(led, 0);
  }

  private *registerManaged(device: Ptr, trigger: Ptr): Sleepable<number> {
    const error = yield* this.register(trigger);
    if (error === 0) this.k.get(Devres).addHost(device, trigger, () => this.unregister(trigger));
    return error;
  }

  /** A trigger that only its owner's events drive. */
  private *registerSimple(name: Ptr, slot: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('led_trigger');
    const trigger = k.slab.allocateBytes(type.size, true);
    type.set(trigger, 'name', name);
    const error = yield* this.register(trigger);
    if (error < 0) {
      k.slab.free(trigger);
      k.log.line(`LED trigger ${k.space.cstring(name)} failed to register (${error})`, LOGLEVEL_WARNING);
    }
    k.space.storePtr(slot, error < 0 ? 0 : trigger);
  }

  private *unregisterSimple(trigger: Ptr): Sleepable<void> {
    if (trigger === 0) return;
    yield* this.unregister(trigger);
    this.k.slab.free(trigger);
  }

  /** Delays were passed by reference up to 6.2, by value from then on: small numbers are values. */
  private delay(argument: Ptr): number {
    return argument < 0x100_0000 ? argument : this.k.space.loadU64(argument);
  }

  *blink(trigger: Ptr, on: number, off: number, once: boolean, invert = false): Sleepable<void> {
    if (trigger === 0) return;
    const { k } = this;
    const classdev = k.struct('led_classdev');
    for (const node of [...list.entries(k.space, k.struct('led_trigger').addr(trigger, 'led_cdevs'))])
      yield* k.get(LedBlinking).blink(classdev.of(node, 'trig_list'), { on, off, once, invert });
  }

  private *event(trigger: Ptr, brightness: number): Sleepable<void> {
    if (trigger === 0) return;
    const { k } = this;
    const type = k.struct('led_trigger');
    if (type.has('brightness')) type.set(trigger, 'brightness', brightness);
    const classdev = k.struct('led_classdev');
    for (const node of [...list.entries(k.space, type.addr(trigger, 'led_cdevs'))])
      yield* k.get(LedBlinking).change(classdev.of(node, 'trig_list'), brightness);
  }
}
