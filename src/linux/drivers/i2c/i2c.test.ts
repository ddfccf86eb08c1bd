import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { ptrErr } from '../../errors.js';
import { type Guest, guest } from '../../testing/guest.js';
import { packetErrorCode } from './smbus-pec.js';

const [EAGAIN, ENODEV, EBUSY, EINVAL, EBADMSG, EOPNOTSUPP] = [11, 19, 16, 22, 74, 95];
const READ = 1;
const RECV_LEN = 0x400;
const PEC = 4;
const FUNCTIONS = 0x0fff_8009;

interface Sent {
  readonly address: number;
  readonly bytes: readonly number[];
}

describe('an adapter that has messages alone', () => {
  let g: Guest;
  let adapter: Ptr;
  let client: Ptr;
  const registers = new Uint8Array(256);
  const sent: Sent[] = [];
  /** What the adapter answers before it does anything, in turn. */
  const errors: number[] = [];
  let withCode = false;

  function message(at: Ptr, pointer: { register: number }): number {
    const { k } = g;
    const type = k.struct('i2c_msg');
    const [address, flags, length, buffer] = ['addr', 'flags', 'len', 'buf'].map((name) =>
      type.get(at, name),
    );
    if (address !== 0x48) return -ENODEV;
    if ((flags & READ) === 0) {
      const bytes = [...k.space.readable(buffer, length)];
      sent.push({ address, bytes });
      pointer.register = bytes[0] ?? 0;
      registers.set(bytes.slice(1), pointer.register);
      return 0;
    }
    const counted = (flags & RECV_LEN) !== 0;
    const count = counted ? registers[pointer.register] + 1 : length;
    k.space.writable(buffer, count).set(registers.subarray(pointer.register, pointer.register + count));
    if (withCode) {
      const before = [
        0x90,
        pointer.register,
        0x91,
        ...registers.subarray(pointer.register, pointer.register + count - 1),
      ];
      k.space.store8(buffer + count - 1, packetErrorCode(0, before));
    }
    if (counted) type.set(at, 'len', length - 1 + count);
    return 0;
  }

  beforeAll(() => {
    g = guest();
    const { k, struct } = g;
    const algo = struct.i2c_algorithm();
    const type = k.struct('i2c_algorithm');
    type.bind(algo, 'functionality', 'test_func', () => FUNCTIONS);
    type.bind(algo, 'master_xfer', 'test_xfer', (_adapter: Ptr, messages: Ptr, count: number) => {
      const refused = errors.shift();
      if (refused !== undefined) return refused;
      const pointer = { register: 0 };
      for (let i = 0; i < count; i++) {
        const error = message(messages + i * k.struct('i2c_msg').size, pointer);
        if (error) return error;
      }
      return count;
    });
    adapter = struct.i2c_adapter({ algo, retries: 2 });
    k.struct('i2c_adapter').setText(adapter, 'name', 'test adapter');
    expect(g.call.i2c_add_adapter(adapter)).toBe(0);
    client = create(0x48, 'chip');
  });

  function create(addr: number, kind: string): Ptr {
    const info = g.struct.i2c_board_info({ addr });
    g.k.struct('i2c_board_info').setText(info, 'type', kind);
    return g.call.i2c_new_client_device(adapter, info);
  }

  it('does bytes and words of SMBus by messages', () => {
    expect(g.call.i2c_smbus_write_byte_data(client, 0x10, 0xab)).toBe(0);
    expect(g.call.i2c_smbus_write_word_data(client, 0x20, 0x1234)).toBe(0);
    expect(sent.slice(-2).map(({ bytes }) => bytes)).toEqual([
      [0x10, 0xab],
      [0x20, 0x34, 0x12],
    ]);
    expect(g.call.i2c_smbus_read_byte_data(client, 0x10)).toBe(0xab);
    expect(g.call.i2c_smbus_read_word_data(client, 0x20)).toBe(0x1234);
    registers[0] = 7;
    expect(g.call.i2c_smbus_read_byte(client)).toBe(7);
  });

  it('does blocks, of which the chip or the caller says the length', () => {
    const values = g.k.permanent(40);
    g.k.space.writable(values, 3).set([1, 2, 3]);
    expect(g.call.i2c_smbus_write_block_data(client, 0x30, 3, values)).toBe(0);
    expect(sent.at(-1)?.bytes).toEqual([0x30, 3, 1, 2, 3]);
    expect(g.call.i2c_smbus_write_i2c_block_data(client, 0x40, 3, values)).toBe(0);
    expect(sent.at(-1)?.bytes).toEqual([0x40, 1, 2, 3]);
    expect(g.call.i2c_smbus_read_block_data(client, 0x30, values + 8)).toBe(3);
    expect([...g.k.space.readable(values + 8, 3)]).toEqual([1, 2, 3]);
    expect(g.call.i2c_smbus_read_i2c_block_data(client, 0x40, 2, values + 16)).toBe(2);
    expect(g.call.i2c_smbus_read_i2c_block_data_or_emulated(client, 0x40, 3, values + 16)).toBe(3);
    expect([...g.k.space.readable(values + 16, 3)]).toEqual([1, 2, 3]);
  });

  it('checks packet error codes', () => {
    const type = g.k.struct('i2c_client');
    type.set(client, 'flags', PEC);
    expect(g.call.i2c_smbus_write_byte_data(client, 0x10, 0x55)).toBe(0);
    expect(sent.at(-1)?.bytes).toEqual([0x10, 0x55, packetErrorCode(0, [0x90, 0x10, 0x55])]);
    withCode = true;
    expect(g.call.i2c_smbus_read_byte_data(client, 0x10)).toBe(0x55);
    withCode = false;
    expect(g.call.i2c_smbus_read_byte_data(client, 0x10)).toBe(-EBADMSG);
    type.set(client, 'flags', 0);
  });

  it('has a code of SMBus’s polynomial', () => {
    expect(packetErrorCode(0, new TextEncoder().encode('123456789'))).toBe(0xf4);
  });

  it('tries again where arbitration was lost, as often as it says', () => {
    errors.push(-EAGAIN, -EAGAIN);
    expect(g.call.i2c_smbus_read_byte_data(client, 0x10)).toBe(0x55);
    errors.push(-EAGAIN, -EAGAIN, -EAGAIN);
    expect(g.call.i2c_smbus_read_byte_data(client, 0x10)).toBe(-EAGAIN);
  });

  it('refuses what its quirks forbid, and says so', () => {
    const type = g.k.struct('i2c_adapter');
    type.set(adapter, 'quirks', g.struct.i2c_adapter_quirks({ max_read_len: 1 }));
    expect(g.call.i2c_smbus_read_word_data(client, 0x10)).toBe(-EOPNOTSUPP);
    expect(g.k.log.linesFrom(0).at(-1)).toBe(
      'i2c i2c-0: adapter quirk: msg too long (addr 0x0048, size 2, read)',
    );
    type.set(adapter, 'quirks', 0);
  });

  it('gives each address once, and none that a chip cannot have', () => {
    expect(ptrErr(create(0x48, 'other'))).toBe(-EBUSY);
    expect(g.k.log.linesFrom(0).at(-1)).toBe('i2c i2c-0: Failed to register i2c client other at 0x48 (-16)');
    expect(ptrErr(create(0, 'other'))).toBe(-EINVAL);
    expect(g.k.log.linesFrom(0).at(-1)).toBe('i2c i2c-0: Invalid 7-bit I2C address 0x00');
  });

  it('binds clients that only keep an address to the driver for such', () => {
    const dummy = g.call.i2c_new_dummy_device(adapter, 0x49);
    const driver = g.k.struct('i2c_client').get(dummy, 'dev.driver');
    expect(g.k.struct('device_driver').string(driver, 'name')).toBe('dummy');
    g.call.i2c_unregister_device(dummy);
  });

  it('gives what its driver’s table says of a client, a pointer too', () => {
    const ids = g.k.permanent(2 * g.k.sizeOf('i2c_device_id'));
    const type = g.k.struct('i2c_device_id');
    type.setText(ids, 'name', 'chip');
    type.setBig(ids, 'driver_data', g.k.space.toAddress(adapter));
    const driver = g.struct.i2c_driver({ id_table: ids });
    g.k.struct('i2c_client').set(client, 'dev.driver', g.k.struct('i2c_driver').addr(driver, 'driver'));
    expect(g.call.i2c_get_match_data(client)).toBe(adapter);
    expect(g.call.i2c_match_id(ids, client)).toBe(ids);
    g.k.struct('i2c_client').set(client, 'dev.driver', 0);
  });

  it('finds the first address of a list at which something answers', () => {
    const info = g.struct.i2c_board_info();
    g.k.struct('i2c_board_info').setText(info, 'type', 'found');
    const addresses = g.k.permanent(8);
    [0x50, 0x48, 0xfffe].forEach((address, i) => void g.k.space.store16(addresses + 2 * i, address));
    expect(ptrErr(g.call.i2c_new_scanned_device(adapter, info, addresses, 0))).toBe(-ENODEV);
    g.call.i2c_unregister_device(client);
    client = g.call.i2c_new_scanned_device(adapter, info, addresses, 0);
    expect(g.k.struct('i2c_client').get(client, 'addr')).toBe(0x48);
  });

  it('is counted while somebody has it', () => {
    expect(g.call.i2c_get_adapter(0)).toBe(adapter);
    g.call.i2c_put_adapter(adapter);
    expect(g.call.i2c_get_adapter(5)).toBe(0);
  });

  it('takes its clients along', () => {
    g.call.i2c_del_adapter(adapter);
    expect(g.call.i2c_get_adapter(0)).toBe(0);
    expect(g.reports()).toEqual([]);
  });
});
