import type { Ptr } from '../../../cpu/layout.js';
import { IrqChips } from '../../irq/chip.js';
import { IrqHandling } from '../../irq/handle.js';
import { IrqDescs } from '../../irq/irq-desc.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** Vectors of the CPU that devices may have: FIRST_EXTERNAL_VECTOR + 1 up to those of the system's own (asm/irq_vectors.h). */
const LOWEST_VECTOR = 0x21;
const HIGHEST_VECTOR = 0xeb;
/** Where a device writes to have the CPU interrupted. */
export const MSI_ADDRESS = 0xfee0_0000;

/** What a device writes, and where, to raise an interrupt. */
export interface MsiMessage {
  readonly address: number;
  readonly data: number;
}

/** Interrupts that are writes to memory: a number and a vector of the CPU for each (arch/x86/kernel/apic). */
export class MsiVectors implements Subsystem {
  readonly exports = {};
  /** Interrupts by their vectors. */
  private readonly vectors = new Map<number, number>();
  private chip: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    this.chip = k.permanent(k.sizeOf('irq_chip'));
    k.get(IrqChips).fillController(this.chip, 'PCI-MSI');
  }

  /** Vectors that are left. */
  get free(): number {
    return HIGHEST_VECTOR - LOWEST_VECTOR + 1 - this.vectors.size;
  }

  /** A new interrupt and what the device has to write for it; undefined where there is no memory or no vector. */
  allocate(hwirq: number, desc: Ptr): { readonly irq: number; readonly message: MsiMessage } | undefined {
    const { k } = this;
    const descs = k.get(IrqDescs);
    const irq = descs.freeNumbers(1);
    let vector = LOWEST_VECTOR;
    while (this.vectors.has(vector)) vector++;
    if (irq < 0 || vector > HIGHEST_VECTOR) return undefined;
    const made = descs.allocate(irq, { chip: this.chip, handler: 'handle_edge_irq', name: 'edge', hwirq });
    if (made === 0) return undefined;
    k.struct('irq_desc').set(made, 'irq_common_data.msi_desc', desc);
    this.vectors.set(vector, irq);
    return { irq, message: { address: MSI_ADDRESS, data: vector } };
  }

  /** Takes an interrupt back; who still has a handler for it is told of. */
  release(irq: number): void {
    const { k } = this;
    const [action] = k.get(Interrupts).actionsOf(irq);
    if (action !== undefined) {
      const name = k.get(Interrupts).nameOf(action);
      const text = `remove_proc_entry: removing non-empty directory 'irq/${irq}', leaking at least '${name}'`;
      warn(k, text, 'fs/proc/generic.c', 'remove_proc_entry');
    }
    for (const [vector, known] of this.vectors) if (known === irq) this.vectors.delete(vector);
    k.get(IrqDescs).free(irq);
  }

  /** A device has written its message: the interrupt that it stands for comes. False if it stands for none. */
  deliver({ address, data }: MsiMessage): boolean {
    const irq = address === MSI_ADDRESS ? this.vectors.get(data & 0xff) : undefined;
    if (irq === undefined) return false;
    this.k.get(IrqHandling).raise(irq);
    return true;
  }
}
