import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { bitsOf, EV, hasBit, setBit } from './input-bits.js';

const SYN_REPORT = 0;
const SYN_CONFIG = 1;
const SYN_MT_REPORT = 2;
const REP_MAX = 1;
/** A key that is held: not a change of its state. */
const AUTOREPEAT = 2;
const ABS_MT_FIRST = 0x2f;
/** Events that are kept until they are passed on, where a packet does not end. */
const MAX_VALUES = 64;
/** Bitmaps of what is on, by kind of event. */
const STATES: Readonly<Record<number, string>> = {
  [EV.KEY]: 'key',
  [EV.SW]: 'sw',
  [EV.LED]: 'led',
  [EV.SND]: 'snd',
};

interface Value {
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

type Disposition = 'ignore' | 'handlers' | 'all';

/**
 * Events of input devices (drivers/input/input.c): what is no change is dropped, the others go to the handlers that have opened the
 * device when a packet ends. Without software autorepeat and without the slots of multi-touch devices.
 */
export class InputEvents implements Subsystem {
  static readonly builtIn = 'CONFIG_INPUT';

  private readonly packets = new Map<Ptr, Value[]>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    input_event: (dev: Ptr, type: number, code: number, value: number) => this.event(dev, type, code, value),
    input_inject_event: (handle: Ptr, type: number, code: number, value: number) =>
      this.inject(handle, type, code, value),
  };

  private *inject(handle: Ptr, type: number, code: number, value: number): Sleepable<void> {
    const handles = this.k.struct('input_handle');
    const dev = handles.get(handle, 'dev');
    const grab = this.k.struct('input_dev').get(dev, 'grab');
    if (grab === 0 || grab === handle) yield* this.event(dev, type, code, value);
  }

  /** With interrupts and preemption off, as under the device's event_lock. */
  private *event(dev: Ptr, type: number, code: number, value: number): Sleepable<void> {
    const { cpu, processes } = this.k;
    if (type !== EV.SYN && !hasBit(this.k, this.k.struct('input_dev').addr(dev, 'evbit'), type)) return;
    // A lock that leaves preemption and interrupts on.
    if (this.k.configured('CONFIG_PREEMPT_RT')) {
      yield* this.handle(dev, { type, code, value });
      return;
    }
    const enabled = cpu.interruptsEnabled;
    cpu.interruptsEnabled = false;
    processes.preemptCount++;
    yield* this.handle(dev, { type, code, value });
    processes.preemptCount--;
    cpu.interruptsEnabled = enabled;
  }

  private *handle(dev: Ptr, event: Value): Sleepable<void> {
    const { k } = this;
    const disposition = this.disposition(dev, event);
    if (disposition === 'ignore') return;
    const input = k.struct('input_dev');
    if (disposition === 'all' && input.get(dev, 'event') !== 0)
      yield* input.call(dev, 'event', dev, event.type, event.code, event.value);
    const packet = this.packets.get(dev) ?? [];
    packet.push(event);
    const ends = event.type === EV.SYN && event.code === SYN_REPORT;
    if (!ends && packet.length < MAX_VALUES) {
      this.packets.set(dev, packet);
      return;
    }
    this.packets.delete(dev);
    // A packet that holds nothing but its end is not passed on.
    if (packet.length >= 2) yield* this.pass(dev, packet);
  }

  /** input_get_disposition(): whether an event is one, and for whom. */
  private disposition(dev: Ptr, { type, code, value }: Value): Disposition {
    const { k } = this;
    const input = k.struct('input_dev');
    if (type === EV.SYN)
      return code === SYN_CONFIG
        ? 'all'
        : code === SYN_REPORT || code === SYN_MT_REPORT
          ? 'handlers'
          : 'ignore';
    if (type === EV.PWR) return 'all';
    if (type === EV.FF) return value >= 0 ? 'all' : 'ignore';
    if (type === EV.REP) return this.repeat(dev, code, value);
    const map = bitsOf(type);
    if (map === undefined || code >= 8 * input.member(map).size || !hasBit(k, input.addr(dev, map), code))
      return 'ignore';
    switch (type) {
      case EV.MSC:
        return 'all';
      case EV.REL:
        return value !== 0 ? 'handlers' : 'ignore';
      case EV.ABS:
        return this.absolute(dev, code, value);
      case EV.KEY:
        if (value === AUTOREPEAT) return 'handlers';
        return this.toggles(dev, type, code, value) ? 'handlers' : 'ignore';
      case EV.SW:
        return this.toggles(dev, type, code, value) ? 'handlers' : 'ignore';
      case EV.LED:
        return this.toggles(dev, type, code, value) ? 'all' : 'ignore';
      default:
        this.toggles(dev, type, code, value);
        return 'all';
    }
  }

  /** Whether it changes what is on. */
  private toggles(dev: Ptr, type: number, code: number, value: number): boolean {
    const { k } = this;
    const state = k.struct('input_dev').addr(dev, STATES[type]);
    if (hasBit(k, state, code) === (value !== 0)) return false;
    if (value !== 0) setBit(k, state, code);
    else k.space.store8(state + (code >> 3), k.space.load8(state + (code >> 3)) & ~(1 << (code & 7)));
    return true;
  }

  private repeat(dev: Ptr, code: number, value: number): Disposition {
    const at = this.k.struct('input_dev').addr(dev, 'rep') + 4 * code;
    if (code > REP_MAX || value < 0 || this.k.space.loadInt32(at) === value) return 'ignore';
    this.k.space.store32(at, value);
    return 'all';
  }

  private absolute(dev: Ptr, code: number, value: number): Disposition {
    const { k } = this;
    const info = k.struct('input_absinfo');
    const table = k.struct('input_dev').get(dev, 'absinfo');
    if (code >= ABS_MT_FIRST || table === 0) return 'handlers';
    const axis = table + code * info.size;
    if (info.get(axis, 'value') === value) return 'ignore';
    info.set(axis, 'value', value);
    return 'handlers';
  }

  /** input_pass_values(): to who has grabbed the device, or to all that have opened it until one filters everything. */
  private *pass(dev: Ptr, packet: readonly Value[]): Sleepable<void> {
    const { k } = this;
    const handles = k.struct('input_handle');
    const grab = k.struct('input_dev').get(dev, 'grab');
    const all = [...list.entries(k.space, k.struct('input_dev').addr(dev, 'h_list'))].map((node) =>
      handles.of(node, 'd_node'),
    );
    let values = packet;
    for (const handle of grab !== 0 ? [grab] : all) {
      if (grab === 0 && handles.get(handle, 'open') === 0) continue;
      values = yield* this.give(handle, values);
      if (values.length === 0) return;
    }
  }

  private *give(handle: Ptr, packet: readonly Value[]): Sleepable<readonly Value[]> {
    const { k } = this;
    const type = k.struct('input_handler');
    const handler = k.struct('input_handle').get(handle, 'handler');
    const filters = type.get(handler, 'filter') !== 0;
    const tell = (member: 'filter' | 'event', value: Value): Sleepable<number> =>
      type.call(handler, member, handle, value.type, value.code, value.value);
    const values: Value[] = [];
    for (const value of packet) if (!filters || (yield* tell('filter', value)) === 0) values.push(value);
    if (values.length === 0) return values;
    if (type.get(handler, 'events') !== 0) yield* this.giveAll(handler, handle, values);
    else if (type.get(handler, 'event') !== 0) for (const value of values) yield* tell('event', value);
    return values;
  }

  private *giveAll(handler: Ptr, handle: Ptr, values: readonly Value[]): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_value');
    const array = k.slab.allocateBytes(values.length * type.size, true);
    if (array === 0) return;
    values.forEach((value, i) => {
      for (const member of ['type', 'code', 'value'] as const)
        type.set(array + i * type.size, member, value[member]);
    });
    yield* k.struct('input_handler').call(handler, 'events', handle, array, values.length);
    k.slab.free(array);
  }
}
