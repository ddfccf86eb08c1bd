import type { Ptr } from '../../cpu/layout.js';
import { EBUSY, EINVAL, ENOENT } from '../errno.js';
import type { Holding } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Instances of the tracer, each with events of its own (Documentation/trace/ftrace.rst, "Instances"; kernel/trace/trace.c). */
export class TraceArrays implements Subsystem {
  private readonly byName = new Map<string, Ptr>();
  /** Events that are on, `SYSTEM:EVENT`, by instance. Nothing reads the buffers, so none is written. */
  private readonly enabled = new Map<Ptr, Set<string>>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    trace_array_get_by_name: (name: Ptr) => this.getByName(this.k.space.cstring(name)),
    trace_array_set_clr_event: (array: Ptr, system: Ptr, event: Ptr, enable: boolean) =>
      this.setEvent(array, system, event, enable),
    trace_array_put: (array: Ptr) => this.put(array),
    trace_array_destroy: (array: Ptr) => this.destroy(array),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('trace_array');
    // One that nobody refers to any more stays for those who read it.
    for (const [name, at] of this.byName)
      if (type.get(at, 'ref') > 1) yield { kind: 'trace instance', at, name: () => name };
  }

  /** The instance of a name, made where there is none, with one reference more. */
  private getByName(name: string): Ptr {
    const type = this.k.struct('trace_array');
    const known = this.byName.get(name) ?? this.create(name);
    if (known !== 0) type.set(known, 'ref', type.get(known, 'ref') + 1);
    return known;
  }

  private create(name: string): Ptr {
    const { k } = this;
    const type = k.struct('trace_array');
    const array = k.slab.allocateBytes(type.size, true);
    if (array === 0) return 0;
    type.set(array, 'name', k.constantString(name));
    type.set(array, 'ref', 1);
    this.byName.set(name, array);
    return array;
  }

  private setEvent(array: Ptr, system: Ptr, event: Ptr, enable: boolean): number {
    if (array === 0) return -ENOENT;
    const [group, name] = [system, event].map((text) => (text === 0 ? '*' : this.k.space.cstring(text)));
    const events = this.enabled.get(array) ?? new Set<string>();
    if (enable) events.add(`${group}:${name}`);
    else events.delete(`${group}:${name}`);
    this.enabled.set(array, events);
    return 0;
  }

  private put(array: Ptr): void {
    const type = this.k.struct('trace_array');
    if (array !== 0) type.set(array, 'ref', type.get(array, 'ref') - 1);
  }

  /** Removes an instance that only its maker still knows. */
  private destroy(array: Ptr): number {
    const type = this.k.struct('trace_array');
    const name = array === 0 ? undefined : type.string(array, 'name');
    if (name === undefined || this.byName.get(name) !== array) return -EINVAL;
    if (type.get(array, 'ref') > 1) return -EBUSY;
    this.byName.delete(name);
    this.enabled.delete(array);
    this.k.slab.free(array);
    return 0;
  }
}
