import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding, Origin } from '../../kernel/modules/holding.js';
import { PTR_BYTES } from '../abi.js';
import { ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { LinkedList } from './queue.js';

/** Methods that a slot of a jail has (PR_MAXMETHOD, sys/sys/jail.h). */
const JAIL_METHODS = 6;

interface Slot {
  readonly destructor: Ptr;
  readonly methods: readonly Ptr[];
  readonly by: Origin;
}

/** A kind of object that others can hang data on: threads, jails, helpers' users. */
interface Kind {
  readonly name: string;
  readonly methods: number;
  /** Slot n is at n - 1. */
  readonly slots: (Slot | undefined)[];
  readonly objects: Ptr;
}

/** Object specific data, osd(9) (sys/kern/kern_osd.c). */
export class Osd implements Subsystem {
  private readonly kinds: Kind[];
  private readonly list: LinkedList;

  constructor(private readonly k: FreebsdKernel) {
    this.list = new LinkedList(k.space, k.struct('osd').offsetOf('osd_next'));
    this.kinds = ['thread', 'jail', 'khelp'].map((name) => ({
      name,
      methods: name === 'jail' ? JAIL_METHODS : 0,
      slots: [],
      objects: k.permanent(PTR_BYTES),
    }));
  }

  readonly exports = {
    osd_register: (type: number, destructor: Ptr, methods: Ptr) => this.register(type, destructor, methods),
    osd_deregister: (type: number, slot: number) => this.deregister(type, slot),
    osd_set: (type: number, osd: Ptr, slot: number, value: Ptr) => this.set(type, osd, slot, value),
    osd_reserve: (slot: number) => this.k.slab.allocateBytes(slot * PTR_BYTES, true),
    osd_set_reserved: (type: number, osd: Ptr, slot: number, reserved: Ptr, value: Ptr) =>
      this.set(type, osd, slot, value, reserved),
    osd_free_reserved: (reserved: Ptr) => void this.k.slab.free(reserved),
    osd_get: (_type: number, osd: Ptr, slot: number) => this.get(osd, slot),
    osd_del: (type: number, osd: Ptr, slot: number) => this.remove(type, osd, slot),
    osd_call: (type: number, method: number, object: Ptr, data: Ptr) => this.call(type, method, object, data),
    osd_exit: (type: number, osd: Ptr) => this.exit(type, osd),
  };

  /** The number of a new slot, from 1. */
  register(type: number, destructor: Ptr, methods: Ptr): number {
    const kind = this.kinds[type];
    const functions = Array.from({ length: kind.methods }, (_, i) =>
      methods === 0 ? 0 : this.k.space.loadPtr(methods + i * PTR_BYTES),
    );
    const slot = { destructor, methods: functions, by: this.k.origins.here() };
    const free = kind.slots.indexOf(undefined);
    if (free < 0) return kind.slots.push(slot);
    kind.slots[free] = slot;
    return free + 1;
  }

  *deregister(type: number, slot: number): Sleepable<void> {
    const kind = this.kinds[type];
    for (const osd of [...this.list.elements(kind.objects)]) yield* this.remove(type, osd, slot);
    kind.slots[slot - 1] = undefined;
    while (kind.slots.length > 0 && kind.slots.at(-1) === undefined) kind.slots.pop();
  }

  get(osd: Ptr, slot: number): Ptr {
    const type = this.k.struct('osd');
    if (slot > type.get(osd, 'osd_nslots')) return 0;
    return this.k.space.loadPtr(type.get(osd, 'osd_slots') + (slot - 1) * PTR_BYTES);
  }

  /** Gives an object a value; `reserved` is an array that is large enough, which becomes its own. */
  set(type: number, osd: Ptr, slot: number, value: Ptr, reserved: Ptr = 0): number {
    const { k } = this;
    const struct = k.struct('osd');
    const count = struct.get(osd, 'osd_nslots');
    if (slot <= count || value === 0) {
      if (reserved !== 0) k.slab.free(reserved);
      if (slot > count) return 0;
    } else {
      const room = reserved || k.slab.allocateBytes(slot * PTR_BYTES, true);
      if (room === 0) return ENOMEM;
      if (count > 0) {
        const old = struct.get(osd, 'osd_slots');
        k.space.bytes.copyWithin(room, old, old + count * PTR_BYTES);
        k.slab.free(old);
      } else this.list.insertHead(this.kinds[type].objects, osd);
      struct.set(osd, 'osd_slots', room);
      struct.set(osd, 'osd_nslots', slot);
    }
    k.space.storePtr(struct.get(osd, 'osd_slots') + (slot - 1) * PTR_BYTES, value);
    return 0;
  }

  *remove(type: number, osd: Ptr, slot: number): Sleepable<void> {
    const { k } = this;
    const struct = k.struct('osd');
    const count = struct.get(osd, 'osd_nslots');
    if (slot > count) return;
    const slots = struct.get(osd, 'osd_slots');
    const value = this.get(osd, slot);
    const destructor = this.kinds[type].slots[slot - 1]?.destructor ?? 0;
    if (value !== 0 && destructor !== 0) yield* k.callAs('v:p', destructor, value);
    k.space.storePtr(slots + (slot - 1) * PTR_BYTES, 0);
    for (let i = 1; i <= count; i++) if (this.get(osd, i) !== 0) return;
    this.list.remove(osd);
    k.slab.free(slots);
    struct.set(osd, 'osd_slots', 0);
    struct.set(osd, 'osd_nslots', 0);
  }

  /** Asks all slots that have the method, until one says an error. */
  private *call(type: number, method: number, object: Ptr, data: Ptr): Sleepable<number> {
    for (const slot of [...this.kinds[type].slots]) {
      const fn = slot?.methods[method] ?? 0;
      const error = fn === 0 ? 0 : yield* this.k.callAs('i:pp', fn, object, data);
      if (error !== 0) return error;
    }
    return 0;
  }

  *exit(type: number, osd: Ptr): Sleepable<void> {
    const count = this.k.struct('osd').get(osd, 'osd_nslots');
    for (let slot = 1; slot <= count; slot++) yield* this.remove(type, osd, slot);
  }

  *holds(): Generator<Holding> {
    for (const { name, slots } of this.kinds)
      for (const [i, slot] of slots.entries())
        if (slot)
          yield {
            kind: `OSD slot of a ${name}`,
            at: i + 1,
            uses: [slot.destructor, ...slot.methods],
            by: slot.by,
            name: () => `${i + 1}`,
          };
  }
}
