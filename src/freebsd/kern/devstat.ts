import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Locks } from './locks.js';

/** devstat_trans_flags (sys/devicestat.h), by the command of a bio. */
const READS = 'DEVSTAT_READ';
const WRITES = 'DEVSTAT_WRITE';
const FREES = 'DEVSTAT_FREE';
const NOTHING = 'DEVSTAT_NO_DATA';

/** devstat(9): what devices were asked for, counted (sys/kern/subr_devstat.c). */
export class Devstat implements Subsystem {
  private number = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    devstat_new_entry: (
      name: Ptr,
      unit: number,
      block: number,
      flags: number,
      kind: number,
      priority: number,
    ) => {
      const at = this.newEntry(0);
      const type = this.type;
      if (unit === -1) type.set(at, 'id', name);
      else {
        type.setText(at, 'device_name', this.k.space.cstring(name));
        type.set(at, 'unit_number', unit);
      }
      type.set(at, 'block_size', block);
      type.set(at, 'flags', flags);
      type.set(at, 'device_type', kind);
      type.set(at, 'priority', priority);
      return at;
    },
    devstat_remove_entry: (at: Ptr) => this.removeEntry(at),
    devstat_start_transaction: (at: Ptr) => this.start(at),
    devstat_start_transaction_bio: (at: Ptr) => this.start(at),
    devstat_end_transaction_bio: (at: Ptr, bio: Ptr) => this.endBio(at, bio),
  };

  private get type() {
    return this.k.struct('devstat');
  }

  /** An entry for something that is told by its address: GEOM's consumers and providers. */
  newEntry(id: Ptr): Ptr {
    const { k, type } = this;
    k.get(Locks).mightSleep('devstat_new_entry()');
    const at = k.slab.allocateBytes(type.size, true);
    type.set(at, 'allocated', 1);
    type.set(at, 'id', id);
    type.set(at, 'unit_number', -1);
    type.set(at, 'device_number', this.number++);
    return at;
  }

  removeEntry(at: Ptr): void {
    if (at !== 0) this.k.slab.free(at);
  }

  /** The start of a transaction. */
  start(at: Ptr): void {
    if (at !== 0) this.type.set(at, 'start_count', this.type.get(at, 'start_count') + 1);
  }

  /** The end of what a bio asked for. */
  endBio(at: Ptr, bio: Ptr): void {
    if (at === 0) return;
    const { k, type } = this;
    const request = k.struct('bio');
    const command = request.get(bio, 'bio_cmd');
    const names = new Map([
      [k.macro('BIO_READ'), READS],
      [k.macro('BIO_WRITE'), WRITES],
      [k.macro('BIO_DELETE'), FREES],
    ]);
    const index = k.enumValue(names.get(command) ?? NOTHING);
    const bytes = request.get(bio, 'bio_bcount') - request.get(bio, 'bio_resid');
    type.set(at, 'end_count', type.get(at, 'end_count') + 1);
    for (const [member, more] of [
      ['bytes', bytes],
      ['operations', 1],
    ] as const) {
      const place = type.addr(at, member) + 8 * index;
      k.space.storeLong(place, k.space.loadU64(place) + more);
    }
  }
}
