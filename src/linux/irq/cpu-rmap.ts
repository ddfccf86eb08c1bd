import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOMEM, ENOSPC } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { IrqAffinity } from './affinity.js';

/** Nobody is near yet: CPU_RMAP_DIST_INF. */
const DISTANCE_INFINITE = 0xffff;

/** From CPUs to the queues whose interrupts they serve (lib/cpu_rmap.c). */
export class CpuRmaps implements Subsystem {
  static readonly builtIn = 'CONFIG_CPU_RMAP';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    alloc_cpu_rmap: (size: number) => this.allocate(size),
    cpu_rmap_put: (rmap: Ptr) => this.put(rmap),
    cpu_rmap_add: (rmap: Ptr, object: Ptr) => this.add(rmap, object),
    cpu_rmap_update: (rmap: Ptr, index: number) => this.update(rmap, index),
    irq_cpu_rmap_add: (rmap: Ptr, irq: number) => this.addIrq(rmap, irq),
    free_irq_cpu_rmap: (rmap: Ptr) => this.freeIrqs(rmap),
  };

  private get type() {
    return this.k.struct('cpu_rmap');
  }

  /** Room for what CPUs point to lies behind the entries of the CPUs. */
  private allocate(size: number): Ptr {
    const { k, type } = this;
    if (size > 0xffff) return 0;
    const entry = type.addr(0, 'near');
    const objects = Math.ceil((entry + 4) / 8) * 8;
    const rmap = k.slab.allocateBytes(objects + size * 8, true);
    if (rmap === 0) return 0;
    type.set(rmap, 'refcount.refcount.refs.counter', 1);
    type.set(rmap, 'size', size);
    type.set(rmap, 'obj', rmap + objects);
    // CPU 0 begins with object 0, as far from it as can be.
    k.space.store16(rmap + entry + 2, DISTANCE_INFINITE);
    return rmap;
  }

  private put(rmap: Ptr): number {
    const path = 'refcount.refcount.refs.counter';
    const count = this.type.get(rmap, path) - 1;
    this.type.set(rmap, path, count);
    if (count > 0) return 0;
    this.k.slab.free(rmap);
    return 1;
  }

  private get(rmap: Ptr): void {
    const path = 'refcount.refcount.refs.counter';
    this.type.set(rmap, path, this.type.get(rmap, path) + 1);
  }

  /** cpu_rmap_add(): the next place, or the first free one where places are given back. */
  private add(rmap: Ptr, object: Ptr): number {
    const { k, type } = this;
    const counts = type.has('used');
    const objects = type.get(rmap, 'obj');
    let index = counts ? type.get(rmap, 'used') : 0;
    while (index < type.get(rmap, 'size') && k.space.loadPtr(objects + index * 8) !== 0) index++;
    if (index >= type.get(rmap, 'size')) return -ENOSPC;
    k.space.storePtr(objects + index * 8, object);
    if (counts) type.set(rmap, 'used', index + 1);
    return index;
  }

  private update(rmap: Ptr, index: number): number {
    if (index >= this.type.get(rmap, 'size')) return -EINVAL;
    const near = this.type.addr(rmap, 'near');
    this.k.space.store16(near, index);
    this.k.space.store16(near + 2, 0);
    return 0;
  }

  /** irq_cpu_rmap_add(): the interrupt's queue is an object, which goes when the interrupt's notifier does. */
  private *addIrq(rmap: Ptr, irq: number): Sleepable<number> {
    const { k } = this;
    const glue = k.struct('irq_glue');
    const at = k.slab.allocateBytes(glue.size, true);
    if (at === 0) return -ENOMEM;
    glue.bind(at, 'notify.notify', 'irq_cpu_rmap_notify', (notify: Ptr) => {
      const own = glue.of(notify, 'notify');
      this.update(glue.get(own, 'rmap'), glue.get(own, 'index'));
    });
    glue.bind(at, 'notify.release', 'irq_cpu_rmap_release', (ref: Ptr) => {
      const own = glue.of(k.struct('irq_affinity_notify').of(ref, 'kref'), 'notify');
      this.drop(own);
    });
    glue.set(at, 'rmap', rmap);
    this.get(rmap);
    const index = this.add(rmap, at);
    glue.set(at, 'index', Math.max(index, 0));
    const error =
      index < 0
        ? index
        : yield* k.wait(k.get(IrqAffinity).exports.irq_set_affinity_notifier(irq, glue.addr(at, 'notify')));
    if (error === 0) return index;
    if (index >= 0) this.drop(at);
    else {
      this.put(rmap);
      k.slab.free(at);
    }
    return error;
  }

  private drop(glue: Ptr): void {
    const type = this.k.struct('irq_glue');
    const rmap = type.get(glue, 'rmap');
    this.k.space.storePtr(this.type.get(rmap, 'obj') + type.get(glue, 'index') * 8, 0);
    this.put(rmap);
    this.k.slab.free(glue);
  }

  private *freeIrqs(rmap: Ptr): Sleepable<void> {
    const { k } = this;
    if (rmap === 0) return;
    const glue = k.struct('irq_glue');
    for (let i = 0; i < this.type.get(rmap, 'size'); i++) {
      const at = k.space.loadPtr(this.type.get(rmap, 'obj') + i * 8);
      if (at === 0) continue;
      yield* k.wait(k.get(IrqAffinity).exports.irq_set_affinity_notifier(glue.get(at, 'notify.irq'), 0));
    }
    this.put(rmap);
  }
}
