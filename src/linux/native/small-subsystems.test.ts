import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { ptrErr } from '../errors.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const EBUSY = 16;
const EINVAL = 22;
const EPROBE_DEFER = 517;

describe.skipIf(target === undefined)('subsystems that TypeScript leaves to the target', () => {
  it('dmaengine: a channel that nobody has brought yet may come', () => {
    const { k, call, struct, reports } = guest({}, target!);
    const device = struct.device();
    call.device_initialize(device);
    call.dev_set_name(device, k.constantString('dma-user'));
    expect(ptrErr(call.dma_request_chan(device, k.constantString('tx')))).toBe(-EPROBE_DEFER);
    expect(call.dma_find_channel(0)).toBe(0);
    call.dmaengine_get();
    call.dmaengine_put();
    expect(k.native?.use.subsystems).toContain('dmaengine');
    expect(reports()).toEqual([]);
  });

  it('vga_switcheroo: one handler at a time', () => {
    const { k, call, reports } = guest({}, target!);
    const handler = k.permanent(k.sizeOf('vga_switcheroo_handler'));
    expect(call.vga_switcheroo_handler_flags()).toBe(0);
    expect(call.vga_switcheroo_register_handler(handler, 1)).toBe(0);
    expect(call.vga_switcheroo_register_handler(handler, 1)).toBe(-EINVAL);
    expect(call.vga_switcheroo_handler_flags()).toBe(1);
    call.vga_switcheroo_unregister_handler();
    expect(call.vga_switcheroo_handler_flags()).toBe(0);
    expect(k.native?.use.subsystems).toContain('vga_switcheroo');
    expect(reports()).toEqual([]);
  });

  it('efivars: none, until somebody brings operations, and then nobody else', () => {
    const { k, call, reports } = guest({}, target!);
    expect(call.efivar_supports_writes()).toBe(0);
    const efivars = k.permanent(k.sizeOf('efivars'));
    const operations = k.permanent(k.sizeOf('efivar_operations'));
    k.struct('efivar_operations').set(operations, 'set_variable', k.symbol('efivar_supports_writes'));
    expect(call.efivars_register(efivars, operations, 0)).toBe(0);
    expect(call.efivars_register(efivars, operations, 0)).toBe(-EBUSY);
    expect(call.efivar_supports_writes()).toBe(1);
    expect(call.efivars_unregister(efivars)).toBe(0);
    expect(call.efivar_supports_writes()).toBe(0);
    expect(reports()).toEqual([]);
  });

  it('spi: a controller is made, and let go of', () => {
    const { k, call, struct, reports } = guest({}, target!);
    const parent = struct.device();
    call.device_initialize(parent);
    call.dev_set_name(parent, k.constantString('spi-parent'));
    expect(call.device_add(parent)).toBe(0);
    const controller = call.__spi_alloc_controller(parent, 16, 0);
    expect(controller).not.toBe(0);
    const type = k.struct('spi_controller');
    expect(type.get(controller, 'bus_num')).toBe(-1);
    call.put_device(type.addr(controller, 'dev'));
    expect(k.native?.use.subsystems).toContain('spi');
    expect(reports()).toEqual([]);
  });
});
