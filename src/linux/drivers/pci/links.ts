import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Wires that firmware has to be told to use: ACPI's link devices (drivers/acpi/pci_link.c). They belong to the machine, which names them. */
export class PciLinks implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  readonly exports = {};
  private readonly names = new Map<number, string>();
  private readonly enabled = new Set<number>();

  constructor(private readonly k: LinuxKernel) {}

  /** The machine has a link for an interrupt. */
  add(irq: number, name: string): void {
    this.names.set(irq, name);
  }

  /** acpi_pci_link_allocate_irq(): a device that uses it is enabled. */
  enable(irq: number): void {
    const name = this.names.get(irq);
    if (name === undefined || this.enabled.has(irq)) return;
    this.enabled.add(irq);
    this.k.log.line(`ACPI: ${name}: Enabled at IRQ ${irq}`);
  }
}
