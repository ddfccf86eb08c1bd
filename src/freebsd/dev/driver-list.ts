import type { Ptr } from '../../cpu/layout.js';
import { Tailq } from '../kern/tailq.js';
import type { FreebsdKernel } from '../kernel.js';

/** struct driverlink (sys/kern/subr_bus.c): no header has it, and drivers of disks look through it all the same. */
const DRIVER = 0;
const LINK = 8;
const LINK_PASS = 24;
const BYTES = 48;

/** A driver that a bus's devclass has. */
export interface DriverLink {
  /** Its struct driverlink. */
  readonly at: Ptr;
  /** Its struct kobj_class. */
  readonly driver: Ptr;
  readonly pass: number;
}

/** The drivers of a devclass (driver_list_t), in guest memory: there are modules that change their order. */
export class DriverList {
  private readonly queue: Tailq;

  constructor(
    private readonly k: FreebsdKernel,
    head: Ptr,
  ) {
    this.queue = new Tailq(k, head, LINK);
    this.queue.init();
  }

  get all(): readonly DriverLink[] {
    const { space } = this.k;
    return [...this.queue.entries()].map((at) => ({
      at,
      driver: space.loadPtr(at + DRIVER),
      pass: space.load32(at + LINK_PASS),
    }));
  }

  add(driver: Ptr, pass: number): void {
    const { k } = this;
    const at = k.slab.allocateBytes(BYTES, true);
    k.space.storePtr(at + DRIVER, driver);
    k.space.store32(at + LINK_PASS, pass);
    this.queue.append(at);
  }

  remove({ at }: DriverLink): void {
    this.queue.remove(at);
    this.k.slab.free(at);
  }
}
