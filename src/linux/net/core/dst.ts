import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { NetDevices } from './netdevices.js';

/** dst_entry.flags: an entry that only carries metadata of a tunnel. */
const DST_METADATA = 0x0080;

/** Destinations of packets: struct dst_entry and its reference count (net/core/dst.c). */
export class Destinations implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dst_release: (dst: Ptr) => this.release(dst),
    dst_release_immediate: (dst: Ptr) => this.release(dst),
  };

  /** dst_release(): NULL is fine; the last reference destroys the entry. */
  *release(dst: Ptr): Sleepable<void> {
    if (dst === 0) return;
    const { k, dst: type } = this;
    const left = type.get(dst, this.counter) - 1;
    type.set(dst, this.counter, left);
    if (left > 0) return;
    if (type.get(dst, 'flags') & DST_METADATA) {
      k.slab.free(dst);
      return;
    }
    const ops = k.struct('dst_ops');
    const table = type.get(dst, 'ops');
    if (ops.get(table, 'destroy') !== 0) yield* ops.call(table, 'destroy', dst);
    const dev = type.get(dst, 'dev');
    if (dev !== 0) k.get(NetDevices).put(dev);
    k.slab.free(dst);
  }

  /** dst_hold() */
  hold(dst: Ptr): void {
    this.dst.set(dst, this.counter, this.dst.get(dst, this.counter) + 1);
  }

  private get counter(): string {
    return this.dst.has('__refcnt.counter') ? '__refcnt.counter' : '__rcuref.refcnt.counter';
  }

  private get dst(): StructType {
    return this.k.struct('dst_entry');
  }
}
