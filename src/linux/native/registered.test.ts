import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { isErr } from '../errors.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const ENOENT = 2;
/** include/uapi/linux/serial_core.h, include/linux/serial_core.h */
const PORT_16550A = 4;
const UPF_FIXED_TYPE = 1 << 27;

describe.skipIf(target === undefined)('what drivers register with cores of the target’s own', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;
  const text = (value: string): Ptr => k.constantString(value);
  let functions = 0;
  const fn = (signature: string, body: (...args: number[]) => number | undefined): Ptr =>
    k.exports.hostFunction(`driver_${++functions}`, signature, body as never);

  it('powercap: a kind of control, and a zone that tells of its energy', () => {
    const control = call.powercap_register_control_type(0, text('test-cap'), 0);
    expect(isErr(control)).toBe(false);
    const ops = struct.powercap_zone_ops({
      get_energy_uj: fn('i:pp', (_zone, value) => {
        k.space.store64(value, 42n);
        return 0;
      }),
      get_max_energy_range_uj: fn('i:pp', (_zone, value) => {
        k.space.store64(value, 1000n);
        return 0;
      }),
      release: fn('i:p', () => 0),
    });
    const number = fn('i:pip', () => 0);
    const limits = struct.powercap_zone_constraint_ops({
      set_power_limit_uw: fn('i:piq', () => 0),
      get_power_limit_uw: number,
      set_time_window_us: fn('i:piq', () => 0),
      get_time_window_us: number,
    });
    const zone = call.powercap_register_zone(0, control, text('package'), 0, ops, 1, limits);
    expect(isErr(zone)).toBe(false);
    expect(call.powercap_unregister_zone(control, zone)).toBe(0);
    expect(call.powercap_unregister_control_type(control)).toBe(0);
    expect(machine.reports()).toEqual([]);
  });

  it('dma-buf: a buffer goes to its exporter when the last user lets go of it', () => {
    let released = 0;
    const ops = struct.dma_buf_ops({
      map_dma_buf: fn('p:pu', () => 0),
      unmap_dma_buf: fn('v:ppu', () => undefined),
      release: fn('v:p', () => {
        released++;
        return undefined;
      }),
    });
    const info = struct.dma_buf_export_info({
      exp_name: text('test'),
      ops,
      size: 4096,
      priv: k.permanent(8),
    });
    const buffer = call.dma_buf_export(info);
    expect(isErr(buffer)).toBe(false);
    expect(k.struct('dma_buf').get(buffer, 'size')).toBe(4096);
    call.dma_buf_put(buffer);
    machine.sleep(1e6);
    expect(released).toBe(1);
    expect(machine.reports()).toEqual([]);
  });

  it('perf: a unit that counts, of a name that nobody has', () => {
    const pmu = struct.pmu({ event_init: fn('i:p', () => -ENOENT) });
    expect(call.perf_pmu_register(pmu, text('test_pmu'), -1)).toBe(0);
    expect(k.struct('pmu').get(pmu, 'type')).toBeGreaterThan(5);
    call.perf_pmu_unregister(pmu);
    expect(machine.reports()).toEqual([]);
  });

  it('serial ports: one that a driver brings is a terminal', () => {
    const driver = struct.uart_driver({
      driver_name: text('testuart'),
      dev_name: text('ttyTEST'),
      nr: 1,
    });
    expect(call.uart_register_driver(driver)).toBe(0);
    const ops = struct.uart_ops({ type: fn('p:p', () => 0) });
    const port = struct.uart_port({ ops, line: 0 });
    expect(call.uart_add_one_port(driver, port)).toBe(0);
    call.uart_remove_one_port(driver, port);
    call.uart_unregister_driver(driver);
    expect(machine.reports()).toEqual([]);
  });

  it('8250: a port of a card is one of the four that there are at least', () => {
    const port = struct.uart_8250_port({
      'port.iobase': 0x9000,
      'port.type': PORT_16550A,
      'port.uartclk': 1843200,
    });
    k.struct('uart_8250_port').set(port, 'port.flags', UPF_FIXED_TYPE);
    const line = call.serial8250_register_8250_port(port);
    expect([0, 1, 2, 3]).toContain(line);
    call.serial8250_unregister_port(line);
    expect(machine.reports()).toEqual([]);
  });

  it('SysRq: says what there is, where a key is none', () => {
    call.handle_sysrq('?'.charCodeAt(0));
    const log = k.log.linesFrom(0).join('\n');
    expect(log).toMatch(/sysrq: HELP : loglevel\(0-9\) reboot\(b\) crash\(c\)/);
    expect(machine.reports()).toEqual([]);
  });

  it('DAX: a device of no disk has an inode and a number', () => {
    const device = call.alloc_dax(0, 0);
    expect(isErr(device)).toBe(false);
    expect(call.dax_alive(device)).toBe(1);
    call.kill_dax(device);
    expect(call.dax_alive(device)).toBe(0);
    call.put_dax(device);
    expect(machine.reports()).toEqual([]);
  });

  it('CXL: the core finds the bus that was there for its drivers', () => {
    const folder = call.cxl_debugfs_create_dir(text('test'));
    expect(isErr(folder)).toBe(false);
    expect(k.native?.use.subsystems).toContain('cxl_core_init');
    expect(machine.reports()).toEqual([]);
  });
});
