import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Physical addresses below this are RAM of the machine: ioremap refuses them, as the real kernel does. */
const RAM_END = 0x4000_0000;
const LOW_MEMORY = 0x10_0000;

/**
 * ioremap (arch/x86/mm/ioremap.c). The machine's bus is empty: where nothing answers, reads give all ones, so
 * a fresh mapping is filled with them.
 */
export class Ioremap implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ioremap: (physical: number, size: number) => this.map(physical, size),
    ioremap_cache: (physical: number, size: number) => this.map(physical, size),
    ioremap_uc: (physical: number, size: number) => this.map(physical, size),
    ioremap_wc: (physical: number, size: number) => this.map(physical, size),
    ioremap_wt: (physical: number, size: number) => this.map(physical, size),
    iounmap: (address: Ptr) => {
      if (address !== 0) this.k.areas.free(address & ~(PAGE_SIZE - 1));
    },
    __virt_addr_valid: (address: Ptr) => address < 0x4000_0000 && this.k.space.isMapped(address),
  };

  readonly signatures = {
    __virt_addr_valid: 'b:p',
  };

  private map(physical: number, size: number): Ptr {
    if (size <= 0) return 0;
    if (physical >= LOW_MEMORY && physical < RAM_END) {
      const message = `ioremap on RAM at 0x${physical.toString(16).padStart(16, '0')} - 0x${(physical + size - 1).toString(16).padStart(16, '0')}`;
      this.k.traps.warnWith(
        this.k.executor.current!,
        'warning',
        message,
        'arch/x86/mm/ioremap.c:211',
        this.k.fn(this.k.hasSymbol('__ioremap_caller') ? '__ioremap_caller' : 'ioremap'),
      );
      return 0;
    }
    const offset = physical % PAGE_SIZE;
    const bytes = Math.ceil((offset + size) / PAGE_SIZE) * PAGE_SIZE;
    const base = this.k.areas.allocateWindow(bytes, 'ioremap');
    if (base === 0) return 0;
    if (physical >= LOW_MEMORY) this.k.space.bytes.fill(0xff, base, base + bytes);
    return base + offset;
  }
}
