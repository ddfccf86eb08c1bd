/** Facts of QEMU's Q35 machine (hw/pci-host/q35.c, hw/isa/lpc_ich9.c; Intel 82Q35 and ICH9 datasheets). */

/** Ports of configuration mechanism 1. */
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const CONFIG_ENABLE = 0x8000_0000;
/** Register of the host bridge: where all of configuration space is in memory, and that it is. */
const PCIEXBAR = 0x60;
const PCIEXBAR_ENABLE = 1;
/** Where it is put: between RAM and the window for devices. */
const CONFIG_MEMORY = 0xb000_0000;
/** Wires PIRQA to PIRQH go to these inputs of the I/O APIC. */
const FIRST_WIRE_INPUT = 16;
const WIRES = 8;
/** Slots of the chipset itself have registers for their wires, which begin with A to D; the bridge's are E to H, as are the other slots', in turn. */
const FIRST_OWN_SLOT = 25;
const BRIDGE_SLOT = 30;
const PINS = 4;

/** Who reads and writes ports of a machine. */
interface Ports {
  writePort(port: number, size: number, value: number): void;
}

/** Has configuration space appear in memory. */
export function openConfigMemory(machine: Ports): void {
  machine.writePort(CONFIG_ADDRESS, 4, CONFIG_ENABLE | (PCIEXBAR + 4));
  machine.writePort(CONFIG_DATA, 4, 0);
  machine.writePort(CONFIG_ADDRESS, 4, CONFIG_ENABLE | PCIEXBAR);
  machine.writePort(CONFIG_DATA, 4, CONFIG_MEMORY | PCIEXBAR_ENABLE);
}

/** Address of a function's configuration space on bus 0. */
export const configAddress = (slot: number, number: number): number =>
  CONFIG_MEMORY + slot * 0x8000 + number * 0x1000;

/** Input of the I/O APIC that a slot's pin is wired to: 1 is INTA. */
export function inputOf(slot: number, pin: number): number {
  if (slot === BRIDGE_SLOT) return FIRST_WIRE_INPUT + PINS + pin - 1;
  if (slot >= FIRST_OWN_SLOT) return FIRST_WIRE_INPUT + pin - 1;
  return FIRST_WIRE_INPUT + PINS + ((slot + pin - 1) % PINS);
}

/** Inputs for wires, with the names of their link devices in QEMU's ACPI tables (hw/i386/acpi-build.c). */
export const WIRE_INPUTS = Array.from({ length: WIRES }, (_, i) => ({
  input: FIRST_WIRE_INPUT + i,
  link: `\\_SB_.GSI${String.fromCharCode(0x41 + i)}`,
}));
