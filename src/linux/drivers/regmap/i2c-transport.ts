import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, EIO, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import {
  I2C_FUNC_I2C,
  I2C_FUNC_SMBUS_BYTE_DATA,
  I2C_FUNC_SMBUS_I2C_BLOCK,
  I2C_FUNC_SMBUS_WORD_DATA,
  I2C_M_RD,
  I2C_SMBUS_BLOCK_MAX,
} from '../i2c/i2c-flags.js';
import { I2cSmbus } from '../i2c/i2c-smbus.js';
import { I2cTransfers } from '../i2c/i2c-transfer.js';
import type { RawTransport, Result, SingleTransport, Transport } from './transport.js';

const COMMON = {
  registerOrder: 'big',
  valueOrder: 'big',
  readMask: 0,
  isFast: false,
  free: () => undefined,
} as const;

/** How a client's registers are reached with what its adapter can do (drivers/base/regmap/regmap-i2c.c); undefined where they are not. */
export function* i2cTransport(
  k: LinuxKernel,
  client: Ptr,
  widths: { readonly register: number; readonly value: number; readonly littleEndian: boolean },
): Sleepable<Transport | undefined> {
  const adapter = k.struct('i2c_client').get(client, 'adapter');
  const functions = yield* k.get(I2cTransfers).functionality(adapter);
  const can = (wanted: number): boolean => (functions & wanted) === wanted;
  const { register, value, littleEndian } = widths;
  const smbus = k.get(I2cSmbus);
  if (can(I2C_FUNC_I2C))
    return { ...COMMON, ...limits(k, adapter), raw: new Messages(k, client), single: undefined };
  if (value === 8 && register === 8 && can(I2C_FUNC_SMBUS_I2C_BLOCK))
    return {
      ...COMMON,
      raw: new Blocks(k, client),
      single: undefined,
      maxRead: I2C_SMBUS_BLOCK_MAX - 1,
      maxWrite: I2C_SMBUS_BLOCK_MAX - 1,
    };
  const one = (single: SingleTransport): Transport => ({
    ...COMMON,
    raw: undefined,
    single,
    maxRead: 0,
    maxWrite: 0,
  });
  if (value === 16 && register === 8 && can(I2C_FUNC_SMBUS_WORD_DATA)) {
    const order = (word: number): number => (littleEndian ? word : ((word & 0xff) << 8) | (word >> 8));
    return one({
      read: (at) => byCommand(at, smbus.readWord(client, at), order),
      write: (at, word) => checked(at, word, 0xffff, () => smbus.writeWord(client, at, order(word))),
    });
  }
  if (value === 8 && register === 8 && can(I2C_FUNC_SMBUS_BYTE_DATA))
    return one({
      read: (at) => byCommand(at, smbus.readByteData(client, at), (byte) => byte),
      write: (at, byte) => checked(at, byte, 0xff, () => smbus.writeByteData(client, at, byte)),
    });
  return undefined;
}

/** What an adapter's quirks say of the longest messages. */
function limits(k: LinuxKernel, adapter: Ptr): Pick<Transport, 'maxRead' | 'maxWrite'> {
  const quirks = k.struct('i2c_adapter').get(adapter, 'quirks');
  if (quirks === 0) return { maxRead: 0, maxWrite: 0 };
  const type = k.struct('i2c_adapter_quirks');
  return { maxRead: type.get(quirks, 'max_read_len'), maxWrite: type.get(quirks, 'max_write_len') };
}

function* byCommand(
  register: number,
  read: Sleepable<number>,
  order: (value: number) => number,
): Sleepable<Result> {
  if (register > 0xff) return { error: -EINVAL };
  const value = yield* read;
  return value < 0 ? { error: value } : { value: order(value) };
}

function* checked(
  register: number,
  value: number,
  most: number,
  write: () => Sleepable<number>,
): Sleepable<number> {
  return register > 0xff || value > most ? -EINVAL : yield* write();
}

/** Messages of I2C: a register's number, and values in the same or in the next. */
class Messages implements RawTransport {
  constructor(
    private readonly k: LinuxKernel,
    private readonly client: Ptr,
  ) {}

  *write(header: readonly number[], values: Uint8Array): Sleepable<number> {
    const bytes = [...header, ...values];
    const done = yield* this.transfer(bytes, 0, () => undefined);
    if (done === 1) return 0;
    return done < 0 ? done : -EIO;
  }

  *read(header: readonly number[], bytes: number): Sleepable<Uint8Array | number> {
    let values = new Uint8Array();
    const done = yield* this.transfer(header, bytes, (read) => {
      values = read;
    });
    if (done === 2) return values;
    return done < 0 ? done : -EIO;
  }

  /** One message out, and one in where something is to be read. */
  private *transfer(
    out: readonly number[],
    into: number,
    taken: (read: Uint8Array<ArrayBuffer>) => void,
  ): Sleepable<number> {
    const { k, client } = this;
    const type = k.struct('i2c_msg');
    const clients = k.struct('i2c_client');
    const at = k.slab.allocateBytes(2 * type.size + out.length + into, true);
    if (at === 0) return -ENOMEM;
    const buffer = at + 2 * type.size;
    k.space.writable(buffer, out.length).set(out);
    const flags = clients.get(client, 'flags') & 0x10;
    const add = (message: Ptr, more: number, length: number, from: Ptr): void => {
      type.set(message, 'addr', clients.get(client, 'addr'));
      type.set(message, 'flags', flags | more);
      type.set(message, 'len', length);
      type.set(message, 'buf', from);
    };
    add(at, 0, out.length, buffer);
    add(at + type.size, I2C_M_RD, into, buffer + out.length);
    const adapter = clients.get(client, 'adapter');
    const done = yield* k.get(I2cTransfers).transfer(adapter, at, into > 0 ? 2 : 1);
    taken(k.space.readable(buffer + out.length, into).slice());
    k.slab.free(at);
    return done;
  }
}

/** Blocks of SMBus whose length the caller says: up to 32 bytes. */
class Blocks implements RawTransport {
  constructor(
    private readonly k: LinuxKernel,
    private readonly client: Ptr,
  ) {}

  *write([register]: readonly number[], values: Uint8Array): Sleepable<number> {
    if (values.length === 0) return -EINVAL;
    return yield* this.k.get(I2cSmbus).writeI2cBlock(this.client, register, values);
  }

  *read([register]: readonly number[], bytes: number): Sleepable<Uint8Array | number> {
    const values = yield* this.k.get(I2cSmbus).readI2cBlock(this.client, register, bytes);
    if (typeof values === 'number') return values;
    return values.length === bytes ? values : -EIO;
  }
}
