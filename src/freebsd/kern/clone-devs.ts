import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';

/** struct clonedevs: the head of a list. */
const BYTES = 8;

/** Devices by unit of a driver that makes them when they are looked up (sys/kern/kern_conf.c). clone_create() is not there. */
export class CloneDevices implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    clone_setup: (place: Ptr) => this.setup(place),
    clone_cleanup: (place: Ptr) => this.cleanup(place),
  };

  private setup(place: Ptr): void {
    const { k } = this;
    const flags = k.macro('M_WAITOK') | k.macro('M_ZERO');
    k.space.storePtr(place, k.get(Malloc).malloc(BYTES, k.variable('M_DEVBUF'), flags));
  }

  private cleanup(place: Ptr): void {
    const { k } = this;
    const at = k.space.loadPtr(place);
    if (at === 0) return;
    k.get(Malloc).free(at, k.variable('M_DEVBUF'));
    k.space.storePtr(place, 0);
  }
}
