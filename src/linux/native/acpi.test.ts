import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
/** acpi_status (include/acpi/acexcep.h). */
const AE_OK = 0;
const AE_NOT_FOUND = 5;
const AE_ALREADY_EXISTS = 7;
const AE_BAD_PARAMETER = 0x1001;
const ALL_NOTIFY = 3;

describe.skipIf(target === undefined)('ACPI, as the target has it, without tables', () => {
  const machine = guest({}, target!);
  const { k, call } = machine;
  const text = (name: string) => k.constantString(name);
  const slot = k.permanent(8);

  it('has the names that are always there, and no device', () => {
    expect(call.acpi_get_handle(0, text('\\_SB'), slot)).toBe(AE_OK);
    expect(k.space.loadPtr(slot)).not.toBe(0);
    expect(call.acpi_get_handle(0, text('\\_SB.PCI0'), slot)).toBe(AE_NOT_FOUND);
    expect(call.acpi_dev_present(text('PNP0C09'), 0, -1)).toBe(0);
    expect(k.native?.use.subsystems).toContain('acpi');
    expect(machine.reports()).toEqual([]);
  });

  it('has no table', () => {
    expect(call.acpi_get_table(text('FACP'), 1, slot)).toBe(AE_NOT_FOUND);
    expect(machine.reports()).toEqual([]);
  });

  it('takes one handler of notifications for all, until it is removed', () => {
    const handler = k.symbol('acpi_bus_private_data_handler');
    const install = () => call.acpi_install_notify_handler(-1n, ALL_NOTIFY, handler, 0);
    expect(install()).toBe(AE_OK);
    expect(install()).toBe(AE_ALREADY_EXISTS);
    expect(call.acpi_remove_notify_handler(-1n, ALL_NOTIFY, handler)).toBe(AE_OK);
    expect(install()).toBe(AE_OK);
    expect(machine.reports()).toEqual([]);
  });

  it('has no general-purpose event', () => {
    expect(call.acpi_enable_gpe(0, 1)).toBe(AE_BAD_PARAMETER);
    expect(machine.reports()).toEqual([]);
  });

  it('has no embedded controller', () => {
    expect(call.ec_read(0, slot)).toBe(-19);
    expect(machine.reports()).toEqual([]);
  });
});
