import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import { list } from '../abi/list.js';
import { EBUSY, EINVAL, ENOMEM } from '../errno.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { SlabExports } from '../mm/slab.js';
import type { Subsystem } from '../subsystem.js';

/** Elevators that are built into the kernel: their names are taken. */
const BUILT_IN = ['mq-deadline'];

/** Schedulers of block requests (block/elevator.c). */
export class Elevators implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  private readonly head: Ptr;
  private readonly registered: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {
    this.head = k.permanent(16);
    list.init(k.space, this.head);
  }

  readonly exports = {
    elv_register: (type: Ptr) => this.register(type),
    elv_unregister: (type: Ptr) => this.unregister(type),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'I/O scheduler', struct: 'elevator_type', name: 'elevator_name' },
      this.registered,
    );
  }

  /** -EINVAL for impossible sizes of its per-process data, -EBUSY for a name that is taken. */
  private register(elevator: Ptr): number {
    const { k } = this;
    const type = k.struct('elevator_type');
    const name = type.string(elevator, 'elevator_name');
    const size = type.get(elevator, 'icq_size');
    if (size > 0) {
      const align = type.get(elevator, 'icq_align');
      if (size < k.sizeOf('io_cq') || align < 8) return -EINVAL;
      type.setText(elevator, 'icq_cache_name', `${name}_io_cq`);
      const cache = k.get(SlabExports).createCache(type.addr(elevator, 'icq_cache_name'), size, align, 0, 0);
      if (cache === 0) return -ENOMEM;
      type.set(elevator, 'icq_cache', cache);
    }
    if (BUILT_IN.includes(name) || this.find(name) !== undefined) {
      this.destroyCache(elevator);
      return -EBUSY;
    }
    list.addTail(k.space, type.addr(elevator, 'list'), this.head);
    this.k.origins.note(elevator);
    this.registered.push(elevator);
    k.log.line(`io scheduler ${name} registered`, LOGLEVEL_INFO);
    return 0;
  }

  private find(name: string): Ptr | undefined {
    const type = this.k.struct('elevator_type');
    return this.registered.find((other) => type.string(other, 'elevator_name') === name);
  }

  private unregister(elevator: Ptr): void {
    const at = this.registered.indexOf(elevator);
    if (at < 0) return;
    this.registered.splice(at, 1);
    const type = this.k.struct('elevator_type');
    list.delInit(this.k.space, type.addr(elevator, 'list'));
    this.destroyCache(elevator);
  }

  private destroyCache(elevator: Ptr): void {
    const type = this.k.struct('elevator_type');
    const cache = type.get(elevator, 'icq_cache');
    if (cache === 0) return;
    this.k.get(SlabExports).destroyCache(cache);
    type.set(elevator, 'icq_cache', 0);
  }
}
