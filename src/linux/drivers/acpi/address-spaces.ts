import type { Ptr } from '../../../cpu/layout.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { AE_ALREADY_EXISTS, AE_BAD_PARAMETER, AE_NOT_EXIST, AE_OK } from './status.js';

/** ACPI_ROOT_OBJECT: the only node of the namespace that this machine has. */
const ROOT = (1n << 64n) - 1n;

/** Who answers for what AML code reads and writes outside memory (drivers/acpi/acpica/evxfregn.c). No AML runs here. */
export class AcpiAddressSpaces implements Subsystem {
  static readonly builtIn = 'CONFIG_ACPI';

  private readonly handlers = new Map<number, Ptr>();

  constructor(readonly k: LinuxKernel) {}

  readonly exports = {
    acpi_install_address_space_handler: (node: bigint, space: number, handler: Ptr) => {
      if (node !== ROOT) return AE_BAD_PARAMETER;
      const known = this.handlers.get(space);
      if (known !== undefined) return known === handler ? AE_OK : AE_ALREADY_EXISTS;
      this.handlers.set(space, handler);
      return AE_OK;
    },
    acpi_remove_address_space_handler: (node: bigint, space: number, handler: Ptr) => {
      if (node !== ROOT) return AE_BAD_PARAMETER;
      if (this.handlers.get(space) !== handler) return AE_NOT_EXIST;
      this.handlers.delete(space);
      return AE_OK;
    },
  };

  *holds(): Generator<Holding> {
    for (const [space, at] of this.handlers)
      yield { kind: 'ACPI address space handler', at, name: () => String(space) };
  }

  readonly signatures = {
    acpi_install_address_space_handler: 'u:QCppp',
    acpi_remove_address_space_handler: 'u:QCp',
  };
}
