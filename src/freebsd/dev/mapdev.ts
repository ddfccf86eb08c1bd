import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import { RAM } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';

/** What a read of an address that no device answers gives. */
const NOTHING = 0xff;

/** Memory of devices in the kernel's address space: pmap_mapdev(9) (sys/amd64/amd64/pmap.c). */
export class DeviceMemory implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    pmap_mapdev: this.told((at: bigint, bytes: number) => this.map(at, bytes)),
    pmap_mapdev_attr: this.told((at: bigint, bytes: number) => this.map(at, bytes)),
    pmap_mapdev_pciecfg: this.told((at: bigint, bytes: number) => this.map(at, bytes)),
    pmap_mapbios: this.told((at: bigint, bytes: number) => this.map(at, bytes)),
    pmap_unmapdev: (at: Ptr) => this.unmap(at),
  };

  readonly signatures = {
    pmap_mapdev: 'p:QL',
    pmap_mapdev_attr: 'p:QLi',
    pmap_mapdev_pciecfg: 'p:QL',
    pmap_mapbios: 'p:QL',
  };

  private told(map: (at: bigint, bytes: number) => Ptr): (at: bigint, bytes: number) => Ptr {
    return partly('no device and no firmware is behind addresses outside of memory', map);
  }

  /** Where a range of physical addresses can be reached: memory by the direct map, anything else reads as all ones. */
  map(at: bigint, bytes: number): Ptr {
    const { k } = this;
    const first = k.space.toAddress(RAM.start) & 0xffff_ffffn;
    if (at >= first && at + BigInt(bytes) <= first + BigInt(RAM.size)) return RAM.start + Number(at - first);
    const offset = Number(at % BigInt(PAGE_SIZE));
    const window = k.areas.allocateWindow(offset + bytes, 'device');
    if (window === 0) return k.panic("pmap_mapdev: Couldn't alloc kernel virtual memory");
    k.space.writable(window, Math.ceil((offset + bytes) / PAGE_SIZE) * PAGE_SIZE).fill(NOTHING);
    return window + offset;
  }

  unmap(at: Ptr): void {
    this.k.areas.free(at - (at % PAGE_SIZE));
  }
}
