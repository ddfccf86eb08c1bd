import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../../linux/kernel.js';

/** Longest table that is read: one without an end leads out of the module. */
const MOST_IDS = 10_000;
/** PCI_ANY_ID. */
const WILDCARD = 0xffff_ffff;

/** Where a bus's drivers keep the table of ids that they match, and how one of them is written as a modalias. */
interface IdTable {
  readonly driver: string;
  readonly driverMember: string;
  readonly id: string;
  /** '' for the entry that ends the table. */
  alias(k: LinuxKernel, id: Ptr): string;
}

const TABLES: Readonly<Record<string, IdTable>> = {
  pci: { driver: 'pci_driver', driverMember: 'driver', id: 'pci_device_id', alias: pciAlias },
  platform: named('platform', 'driver'),
  i2c: named('i2c', 'driver'),
  spi: named('spi', 'driver'),
};

/** The ids that a driver's own tables have, as patterns of modaliases (scripts/mod/file2alias.c). */
export function idsOfTables(k: LinuxKernel, driver: Ptr, bus: string): string[] {
  const table = TABLES[bus];
  const own = table ? tableIds(k, driver, table) : [];
  return [...own, ...compatibles(k, driver)];
}

function tableIds(
  k: LinuxKernel,
  driver: Ptr,
  { driver: struct, driverMember, id, alias }: IdTable,
): string[] {
  // A bus that is a module here: its types are not the kernel's.
  if (!k.types.findField(struct, 'id_table')) return [];
  const type = k.struct(struct);
  const start = type.get(type.of(driver, driverMember), 'id_table');
  return read(k, start, k.sizeOf(id), (at) => alias(k, at));
}

/** struct of_device_id, by which devices that firmware describes are matched. */
function compatibles(k: LinuxKernel, driver: Ptr): string[] {
  const start = k.struct('device_driver').get(driver, 'of_match_table');
  if (!k.types.findField('of_device_id', 'compatible')) return [];
  const type = k.struct('of_device_id');
  return read(k, start, type.size, (at) => {
    const compatible = type.text(at, 'compatible');
    return compatible === '' ? '' : `of:N*T*C${compatible}`;
  });
}

function read(k: LinuxKernel, start: Ptr, size: number, alias: (at: Ptr) => string): string[] {
  const found: string[] = [];
  if (start === 0) return found;
  for (let at = start; found.length < MOST_IDS && k.space.canRead(at, size); at += size) {
    const text = alias(at);
    if (text === '') break;
    found.push(text);
  }
  return found;
}

function named(bus: string, driverMember: string): IdTable {
  const id = `${bus}_device_id`;
  return {
    driver: `${bus}_driver`,
    driverMember,
    id,
    alias: (k, at) => {
      const name = k.struct(id).text(at, 'name');
      return name === '' ? '' : `${bus}:${name}`;
    },
  };
}

function pciAlias(k: LinuxKernel, id: Ptr): string {
  const type = k.struct('pci_device_id');
  const get = (member: string): number => type.get(id, member);
  if (get('vendor') === 0 && get('subvendor') === 0 && get('class_mask') === 0) return '';
  const number = (letters: string, member: string): string =>
    `${letters}${get(member) === WILDCARD ? '*' : hex(get(member), 8)}`;
  const ids = [
    number('v', 'vendor'),
    number('d', 'device'),
    number('sv', 'subvendor'),
    number('sd', 'subdevice'),
  ];
  const part = (letters: string, shift: number): string =>
    (get('class_mask') >>> shift) & 0xff
      ? `${letters}${hex((get('class') >>> shift) & 0xff, 2)}`
      : `${letters}*`;
  return `pci:${ids.join('')}${part('bc', 16)}${part('sc', 8)}${part('i', 0)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
