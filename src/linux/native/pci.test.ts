import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();

// include/uapi/linux/pci_regs.h
const STATUS = 0x06;
const HAS_CAPABILITIES = 0x10;
const CAPABILITIES = 0x34;
const COMMAND = 0x04;
const MASTER = 4;
const INTX_OFF_HIGH = 4;
const POWER = 1;
const MSI = 5;
const EXPRESS = 0x10;

/** A device with a configuration space of 256 bytes and three capabilities, on a bus whose operations read and write it. */
function deviceWith({ k, struct }: Guest): { device: Ptr; bus: Ptr; config: Uint8Array } {
  const { space } = k;
  const config = new Uint8Array(256);
  config[STATUS] = HAS_CAPABILITIES;
  config[CAPABILITIES] = 0x40;
  config.set([POWER, 0x50], 0x40);
  config.set([MSI, 0x60], 0x50);
  config.set([EXPRESS, 0], 0x60);
  const read = (_bus: Ptr, _devfn: number, where: number, size: number, value: Ptr): number => {
    let word = 0;
    for (let i = size - 1; i >= 0; i--) word = word * 256 + config[where + i];
    space.store32(value, word);
    return 0;
  };
  const write = (_bus: Ptr, _devfn: number, where: number, size: number, value: number): number => {
    for (let i = 0; i < size; i++) config[where + i] = value >>> (8 * i);
    return 0;
  };
  const ops = struct.pci_ops({
    read: k.exports.hostFunction('test_config_read', 'i:puiip', read),
    write: k.exports.hostFunction('test_config_write', 'i:puiiu', write),
  });
  const bus = struct.pci_bus({ ops });
  const device = struct.pci_dev({ bus });
  k.struct('pci_dev').set(device, 'dev.init_name', k.constantString('0000:00:05.0'));
  return { device, bus, config };
}

/** What TypeScript has of it too: without, the target's own functions answer. */
const BOTH = ['byte', 'word', 'dword'].flatMap((width) =>
  ['pci_', 'pci_bus_', 'pci_user_'].flatMap((prefix) => [
    `${prefix}read_config_${width}`,
    `${prefix}write_config_${width}`,
  ]),
);
const without = new Set([
  ...BOTH,
  'pci_find_capability',
  'pci_find_next_capability',
  'pci_bus_find_capability',
  'pci_set_master',
  'pci_clear_master',
  'pci_intx',
  'pci_bus_set_ops',
  'pci_cfg_access_lock',
  'pci_cfg_access_trylock',
  'pci_cfg_access_unlock',
]);

describe.skipIf(target === undefined).each([
  ['TypeScript has it', {}],
  ['the target has it', { without }],
])("a PCI device's configuration space, as %s", (_, options) => {
  const machine = guest(options, target!);
  const { k, call } = machine;
  const { device, bus, config } = deviceWith(machine);

  it('is read and written through the operations of the bus', () => {
    const value = k.permanent(8);
    expect(call.pci_read_config_word(device, STATUS, value)).toBe(0);
    expect(k.space.load16(value)).toBe(HAS_CAPABILITIES);
    expect(call.pci_write_config_dword(device, 0x80, 0xdead_beef)).toBe(0);
    expect([...config.subarray(0x80, 0x84)]).toEqual([0xef, 0xbe, 0xad, 0xde]);
  });

  it('has capabilities, which are found one after the other', () => {
    expect(call.pci_find_capability(device, MSI)).toBe(0x50);
    expect(call.pci_find_capability(device, 0x11)).toBe(0);
    expect(call.pci_bus_find_capability(bus, 0, POWER)).toBe(0x40);
    expect(call.pci_find_next_capability(device, 0x40, MSI)).toBe(0x50);
  });

  it('turns bus mastering and interrupts on and off', () => {
    call.pci_set_master(device);
    expect(config[COMMAND] & MASTER).toBe(MASTER);
    call.pci_clear_master(device);
    expect(config[COMMAND] & MASTER).toBe(0);
    call.pci_intx(device, 0);
    expect(config[COMMAND + 1] & INTX_OFF_HIGH).toBe(INTX_OFF_HIGH);
    expect(machine.reports()).toEqual([]);
  });
});
