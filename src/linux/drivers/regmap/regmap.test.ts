import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { ptrErr } from '../../errors.js';
import { type Guest, guest } from '../../testing/guest.js';

const [EIO, EBUSY, EINVAL] = [5, 16, 22];

const g: Guest = guest();
const { k, call, struct } = g;

/** What goes over a bus. */
let written: number[][] = [];
let memory = new Map<number, number>();
let made = 0;

/** A bus of bytes: a register's number, and values behind it; reads begin with a number whose top bit is a flag. */
function bus(more: Readonly<Record<string, number>> = {}): Ptr {
  const type = k.struct('regmap_bus');
  const at = struct.regmap_bus({ read_flag_mask: 0x80, ...more });
  made++;
  type.bind(at, 'write', `bus_write_${made}`, (_context: Ptr, data: Ptr, count: number) => {
    const bytes = [...k.space.readable(data, count)];
    written.push(bytes);
    bytes.slice(1).forEach((byte, i) => void memory.set(bytes[0] + i, byte));
    return 0;
  });
  type.bind(
    at,
    'read',
    `bus_read_${made}`,
    (_context: Ptr, register: Ptr, _size: number, values: Ptr, count: number) => {
      const first = k.space.load8(register);
      expect(first & 0x80).toBe(0x80);
      for (let i = 0; i < count; i++) k.space.store8(values + i, memory.get((first & 0x7f) + i) ?? 0);
      return 0;
    },
  );
  return at;
}

function config(members: Readonly<Record<string, number>> = {}): Ptr {
  return struct.regmap_config({ reg_bits: 8, val_bits: 8, max_register: 0x7f, ...members });
}

const make = (configuration: Ptr, on = bus()): Ptr => call.__regmap_init(0, on, 0, configuration, 0, 0);
const value = k.permanent(64);

function read(map: Ptr, register: number): number {
  const error = call.regmap_read(map, register, value);
  return error === 0 ? k.space.load32(value) : error;
}

beforeEach(() => {
  written = [];
  memory = new Map();
});

describe('a register map', () => {
  it('reads and writes registers, and changes bits of them', () => {
    const map = make(config());
    expect(call.regmap_write(map, 0x10, 0xab)).toBe(0);
    expect(written).toEqual([[0x10, 0xab]]);
    expect(read(map, 0x10)).toBe(0xab);
    expect(call.regmap_update_bits_base(map, 0x10, 0x0f, 0x05, value, 0, 0)).toBe(0);
    expect([read(map, 0x10), written.length]).toEqual([0xa5, 2]);
    expect(call.regmap_update_bits_base(map, 0x10, 0x0f, 0x05, value, 0, 0)).toBe(0);
    expect([k.space.load8(value), written.length]).toEqual([0, 2]);
    expect(call.regmap_test_bits(map, 0x10, 0x1c)).toBe(0);
    expect(call.regmap_test_bits(map, 0x10, 0xa4)).toBe(1);
    call.regmap_exit(map);
  });

  it('refuses registers that it does not have', () => {
    const map = make(config());
    expect([read(map, 0x80), call.regmap_write(map, 0x80, 0)]).toEqual([-EIO, -EIO]);
    call.regmap_exit(map);
    expect(ptrErr(make(config({ reg_bits: 9 })))).toBe(-EINVAL);
    expect(ptrErr(make(0))).toBe(-EINVAL);
  });

  it('has the bytes of values in the order that its configuration says', () => {
    const big = make(config({ val_bits: 16 }));
    call.regmap_write(big, 0x10, 0x1234);
    expect(written.at(-1)).toEqual([0x10, 0x12, 0x34]);
    expect(read(big, 0x10)).toBe(0x1234);
    const little = make(config({ val_bits: 16, val_format_endian: k.enumValue('REGMAP_ENDIAN_LITTLE') }));
    call.regmap_write(little, 0x10, 0x1234);
    expect(written.at(-1)).toEqual([0x10, 0x34, 0x12]);
    k.space.store16(value, 0xabcd);
    expect(call.regmap_bulk_write(big, 0x20, value, 1)).toBe(0);
    expect(written.at(-1)).toEqual([0x20, 0xab, 0xcd]);
    expect(call.regmap_bulk_read(big, 0x20, value + 8, 1)).toBe(0);
    expect(k.space.load16(value + 8)).toBe(0xabcd);
    expect(call.regmap_raw_read(big, 0x20, value + 8, 2)).toBe(0);
    expect(k.space.load16(value + 8)).toBe(0xcdab);
  });

  it('writes numbers and values that share bytes', () => {
    const map = make(config({ reg_bits: 7, val_bits: 9, max_register: 0 }));
    expect(call.regmap_write(map, 0x05, 0x1ff)).toBe(0);
    expect(written).toEqual([[0x0b, 0xff]]);
    expect(read(map, 5)).toBe(-EIO);
  });

  it('splits what is longer than the bus takes', () => {
    const map = make(config(), bus({ max_raw_write: 2 }));
    k.space.writable(value, 5).set([1, 2, 3, 4, 5]);
    expect(call.regmap_raw_write(map, 0x10, value, 5)).toBe(0);
    expect(written).toEqual([
      [0x10, 1, 2],
      [0x12, 3, 4],
      [0x14, 5],
    ]);
    expect(call.regmap_get_raw_write_max(map)).toBe(2);
  });

  it('reads one register again and again, where that is a queue', () => {
    const map = make(config());
    memory.set(0x10, 9);
    expect(call.regmap_noinc_read(map, 0x10, value, 2)).toBe(0);
    expect(call.regmap_noinc_write(map, 0x30, value, 2)).toBe(0);
    expect(written).toEqual([[0x30, 9, 0]]);
  });

  it('shows a page of registers in a window', () => {
    const range = struct.regmap_range_cfg({
      range_min: 0x20,
      range_max: 0x3f,
      selector_reg: 0x01,
      selector_mask: 0xff,
      window_start: 0x10,
      window_len: 0x10,
    });
    const map = make(config({ ranges: range, num_ranges: 1 }));
    expect(call.regmap_write(map, 0x35, 7)).toBe(0);
    expect(written).toEqual([
      [0x01, 1],
      [0x15, 7],
    ]);
    expect(ptrErr(make(config({ ranges: range, num_ranges: 1, max_register: 0x30 })))).toBe(-EINVAL);
  });

  it('has fields', () => {
    const map = make(config());
    const field = struct.reg_field({ reg: 0x10, lsb: 2, msb: 4 });
    const fields = k.permanent(8);
    expect(call.regmap_field_bulk_alloc(map, fields, field, 1)).toBe(0);
    const at = k.space.loadPtr(fields);
    memory.set(0x10, 0xff);
    expect(call.regmap_field_update_bits_base(at, 0x7, 0x2, 0, 0, 0)).toBe(0);
    expect(memory.get(0x10)).toBe(0xeb);
    expect(call.regmap_field_read(at, value)).toBe(0);
    expect(k.space.load32(value)).toBe(2);
    call.regmap_field_bulk_free(at);
  });

  it('is found by its device, and goes with it', () => {
    const device = struct.device();
    call.device_initialize(device);
    call.dev_set_name(device, k.constantString('chip'));
    expect(call.device_add(device)).toBe(0);
    const group = call.devres_open_group(device, 0, 0);
    const map = call.__devm_regmap_init(device, bus(), 0, config(), 0, 0);
    expect(call.dev_get_regmap(device, 0)).toBe(map);
    expect(call.dev_get_regmap(device, k.constantString('other'))).toBe(0);
    expect(call.regmap_get_device(map)).toBe(device);
    call.devres_release_group(device, group);
    expect(call.dev_get_regmap(device, 0)).toBe(0);
  });
});

describe('a register map that keeps what it knows', () => {
  const cached = (members: Readonly<Record<string, number>> = {}): Ptr =>
    make(config({ cache_type: k.enumValue('REGCACHE_RBTREE'), ...members }));

  it('asks the hardware once', () => {
    const map = cached();
    memory.set(0x10, 1);
    expect(read(map, 0x10)).toBe(1);
    memory.set(0x10, 2);
    expect(read(map, 0x10)).toBe(1);
    expect(call.regcache_drop_region(map, 0x10, 0x10)).toBe(0);
    expect(read(map, 0x10)).toBe(2);
  });

  it('asks it always for what changes by itself', () => {
    const ranges = struct.regmap_range({ range_min: 0x10, range_max: 0x1f });
    const table = struct.regmap_access_table({ yes_ranges: ranges, n_yes_ranges: 1 });
    const map = cached({ volatile_table: table });
    memory.set(0x10, 1);
    expect(read(map, 0x10)).toBe(1);
    memory.set(0x10, 2);
    expect(read(map, 0x10)).toBe(2);
    expect(call.regmap_check_range_table(map, 0x20, table)).toBe(0);
  });

  it('keeps what is written while the hardware is off, and brings it there later, neighbours at once', () => {
    const map = cached();
    call.regcache_cache_only(map, 1);
    call.regmap_write(map, 0x11, 2);
    call.regmap_write(map, 0x10, 1);
    call.regmap_write(map, 0x20, 3);
    expect([written, read(map, 0x11), read(map, 0x30)]).toEqual([[], 2, -EBUSY]);
    call.regcache_cache_only(map, 0);
    expect(call.regcache_sync(map)).toBe(0);
    expect(written).toEqual([
      [0x10, 1, 2],
      [0x20, 3],
    ]);
    written = [];
    expect(call.regcache_sync(map)).toBe(0);
    expect(written).toEqual([]);
  });

  it('leaves out what a reset has brought back, and writes patches again', () => {
    const defaults = struct.reg_default({ reg: 0x10, def: 5 });
    const map = cached({ reg_defaults: defaults, num_reg_defaults: 1 });
    expect(read(map, 0x10)).toBe(5);
    const patch = struct.reg_sequence({ reg: 0x70, def: 1 });
    expect(call.regmap_register_patch(map, patch, 1)).toBe(0);
    call.regmap_write(map, 0x11, 6);
    call.regcache_mark_dirty(map);
    written = [];
    expect(call.regcache_sync(map)).toBe(0);
    expect(written).toEqual([
      [0x70, 1],
      [0x11, 6],
    ]);
  });

  it('says so where the cache is to be the only one and is gone round', () => {
    const map = cached();
    call.regcache_cache_bypass(map, 1);
    call.regcache_cache_only(map, 1);
    expect(g.reports().map(({ kind }) => kind)).toEqual(['warning']);
  });
});
