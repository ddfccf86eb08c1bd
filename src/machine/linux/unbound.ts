import type { Ptr } from '../../cpu/layout.js';
import { BusRegistry } from '../../linux/drivers/base/bus-registry.js';
import { DriverBinding } from '../../linux/drivers/base/dd.js';
import type { LoadedModule } from '../../linux/kallsyms/loaded-module.js';
import type { LinuxKernel } from '../../linux/kernel.js';
import { idsOfTables } from './id-tables.js';

/** A driver that a module registered and that found no device: nothing of it was tried. */
export interface UnboundDriver {
  readonly driver: string;
  readonly bus: string;
  /** Patterns of modaliases, `pci:v00008086d000010D3sv*sd*bc*sc*i*`, or of names on buses that match by name. */
  readonly ids: readonly string[];
}

/** Buses whose aliases begin with something else than their name. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  platform: ['platform', 'of', 'acpi'],
  acpi: ['acpi'],
  i2c: ['i2c', 'of', 'acpi'],
  spi: ['spi', 'of', 'acpi'],
  serial: ['of', 'acpi'],
};

/** The drivers that the module has registered and that have no device now. */
export function unboundDrivers(k: LinuxKernel, module: LoadedModule | undefined): UnboundDriver[] {
  if (module?.state !== 'Live') return [];
  const found: UnboundDriver[] = [];
  for (const { name: bus, drivers } of k.get(BusRegistry).all())
    for (const driver of drivers)
      if (isOf(k, module, driver) && k.get(DriverBinding).devicesOf(driver).length === 0)
        found.push(describe(k, module, driver, bus));
  return found;
}

function isOf(k: LinuxKernel, module: LoadedModule, driver: Ptr): boolean {
  return k.struct('device_driver').get(driver, 'owner') === module.struct || module.contains(driver);
}

function describe(k: LinuxKernel, module: LoadedModule, driver: Ptr, bus: string): UnboundDriver {
  const name = k.struct('device_driver').string(driver, 'name');
  const prefixes = PREFIXES[bus] ?? [bus];
  const aliases = module.modinfo
    .all('alias')
    .filter((alias) => prefixes.some((prefix) => alias.startsWith(prefix)));
  const ids = aliases.length > 0 ? aliases : idsOfTables(k, driver, bus);
  // Platform devices are matched by their name where a driver has no table of ids.
  return { driver: name, bus, ids: ids.length === 0 && bus === 'platform' ? [`platform:${name}`] : ids };
}
