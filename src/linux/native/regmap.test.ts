import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();

/** I2C_M_RD */
const READ = 1;

/** An i2c adapter with one chip of 256 registers behind it, and its client. */
function chip({ k, call, struct }: Guest): { client: Ptr; registers: Uint8Array } {
  const { space } = k;
  const registers = new Uint8Array(256);
  const transfer = (_adapter: Ptr, messages: Ptr, count: number): number => {
    const type = k.struct('i2c_msg');
    let register = 0;
    for (let i = 0; i < count; i++) {
      const message = messages + i * type.size;
      const [buffer, length] = [type.get(message, 'buf'), type.get(message, 'len')];
      if (type.get(message, 'flags') & READ) {
        space.writable(buffer, length).set(registers.subarray(register, register + length));
      } else {
        register = space.load8(buffer);
        registers.set(space.readable(buffer + 1, length - 1), register);
      }
    }
    return count;
  };
  const algorithm = struct.i2c_algorithm();
  const bind = k.struct('i2c_algorithm');
  bind.set(algorithm, 'master_xfer', k.exports.hostFunction('test_xfer', 'i:ppi', transfer));
  bind.set(
    algorithm,
    'functionality',
    k.exports.hostFunction('test_func', 'u:p', () => 0x0eff_0009),
  );
  const adapter = struct.i2c_adapter({ algo: algorithm });
  space.storeCstring(k.struct('i2c_adapter').addr(adapter, 'name'), 'test adapter');
  call.i2c_add_adapter(adapter);
  const info = struct.i2c_board_info({ addr: 0x48 });
  space.storeCstring(k.struct('i2c_board_info').addr(info, 'type'), 'chip');
  return { client: call.i2c_new_client_device(adapter, info), registers };
}

describe.skipIf(target === undefined)(
  'regmap and SMBus, as the target has them, over an i2c bus of TypeScript',
  () => {
    const machine = guest({}, target!);
    const { k, call, struct } = machine;
    const { client, registers } = chip(machine);
    const value = k.permanent(8);

    it('read and write bytes and words of a chip by SMBus', () => {
      registers.set([0xab, 0xcd], 0x10);
      expect(call.i2c_smbus_read_byte_data(client, 0x10)).toBe(0xab);
      expect(call.i2c_smbus_read_word_data(client, 0x10)).toBe(0xcdab);
      expect(call.i2c_smbus_write_byte_data(client, 0x20, 0x77)).toBe(0);
      expect(registers[0x20]).toBe(0x77);
      expect(machine.reports()).toEqual([]);
    });

    it('read, write, update and read many registers by regmap, which is set up at its first call', () => {
      const config = struct.regmap_config({ reg_bits: 8, val_bits: 8, max_register: 0xff });
      const device = k.struct('i2c_client').addr(client, 'dev');
      const map = call.__devm_regmap_init_i2c(client, config, 0, 0);
      expect(k.native?.use.subsystems).toContain('regmap');
      expect(call.regmap_read(map, 0x10, value)).toBe(0);
      expect(k.space.load32(value)).toBe(0xab);
      expect(call.regmap_write(map, 0x30, 0x5a)).toBe(0);
      expect(call.regmap_update_bits_base(map, 0x30, 0x0f, 0x05, 0, 0, 0)).toBe(0);
      expect(registers[0x30]).toBe(0x55);
      expect(call.regmap_bulk_read(map, 0x10, value, 2)).toBe(0);
      expect(k.space.load16(value)).toBe(0xcdab);
      expect(call.regmap_get_device(map)).toBe(device);
      expect(machine.reports()).toEqual([]);
    });
  },
);
