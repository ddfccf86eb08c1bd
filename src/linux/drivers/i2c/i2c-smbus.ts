import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EOPNOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import {
  I2C_CLIENT_PEC,
  I2C_CLIENT_SCCB,
  I2C_CLIENT_TEN,
  I2C_FUNC_SMBUS_READ_BYTE_DATA,
  I2C_FUNC_SMBUS_READ_I2C_BLOCK,
  I2C_FUNC_SMBUS_READ_WORD_DATA,
  I2C_SMBUS_BLOCK_DATA,
  I2C_SMBUS_BLOCK_MAX,
  I2C_SMBUS_BYTE,
  I2C_SMBUS_BYTE_DATA,
  I2C_SMBUS_DATA_BYTES,
  I2C_SMBUS_I2C_BLOCK_DATA,
  I2C_SMBUS_READ,
  I2C_SMBUS_WORD_DATA,
  I2C_SMBUS_WRITE,
} from './i2c-flags.js';
import { I2cLocks } from './i2c-lock.js';
import { I2cTransfers } from './i2c-transfer.js';
import { isRead, SmbusEmulation } from './smbus-emulation.js';
import { packetErrorCode } from './smbus-pec.js';

/** SMBus: an adapter's own transactions, or messages of I2C in their place (drivers/i2c/i2c-core-smbus.c). */
export class I2cSmbus implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  private readonly emulation: SmbusEmulation;

  constructor(private readonly k: LinuxKernel) {
    this.emulation = new SmbusEmulation(k);
  }

  readonly exports = {
    i2c_smbus_pec: (before: number, bytes: Ptr, count: number) =>
      packetErrorCode(before, this.k.space.readable(bytes, count)),
    i2c_smbus_xfer: (
      adapter: Ptr,
      addr: number,
      flags: number,
      direction: number,
      command: number,
      protocol: number,
      data: Ptr,
    ) => this.transfer(adapter, addr, flags, direction, command, protocol, data),
    __i2c_smbus_xfer: (
      adapter: Ptr,
      addr: number,
      flags: number,
      direction: number,
      command: number,
      protocol: number,
      data: Ptr,
    ) => this.transferLocked(adapter, addr, flags, direction, command, protocol, data),
    i2c_smbus_read_byte: (client: Ptr) => this.readByte(client, 0, I2C_SMBUS_BYTE),
    i2c_smbus_write_byte: (client: Ptr, value: number) =>
      this.ofClient(client, I2C_SMBUS_WRITE, value, I2C_SMBUS_BYTE, 0),
    i2c_smbus_read_byte_data: (client: Ptr, command: number) =>
      this.readByte(client, command, I2C_SMBUS_BYTE_DATA),
    i2c_smbus_write_byte_data: (client: Ptr, command: number, value: number) =>
      this.writeByteData(client, command, value),
    i2c_smbus_read_word_data: (client: Ptr, command: number) => this.readWord(client, command),
    i2c_smbus_write_word_data: (client: Ptr, command: number, value: number) =>
      this.writeWord(client, command, value),
    i2c_smbus_read_block_data: (client: Ptr, command: number, values: Ptr) =>
      this.readBlock(client, command, I2C_SMBUS_BLOCK_DATA, 0, values),
    i2c_smbus_write_block_data: (client: Ptr, command: number, length: number, values: Ptr) =>
      this.writeBlock(client, command, I2C_SMBUS_BLOCK_DATA, length, values),
    i2c_smbus_read_i2c_block_data: (client: Ptr, command: number, length: number, values: Ptr) =>
      this.readBlock(client, command, I2C_SMBUS_I2C_BLOCK_DATA, length, values),
    i2c_smbus_write_i2c_block_data: (client: Ptr, command: number, length: number, values: Ptr) =>
      this.writeBlock(client, command, I2C_SMBUS_I2C_BLOCK_DATA, length, values),
    i2c_smbus_read_i2c_block_data_or_emulated: (client: Ptr, command: number, length: number, values: Ptr) =>
      this.readBlockSomehow(client, command, length, values),
  };

  /** i2c_smbus_xfer(): 0 or a negative error number. `data` points to a union i2c_smbus_data. */
  *transfer(
    adapter: Ptr,
    addr: number,
    flags: number,
    direction: number,
    command: number,
    protocol: number,
    data: Ptr,
  ): Sleepable<number> {
    return yield* this.k
      .get(I2cLocks)
      .locked(adapter, () => this.transferLocked(adapter, addr, flags, direction, command, protocol, data));
  }

  /** __i2c_smbus_xfer() */
  private *transferLocked(
    adapter: Ptr,
    addr: number,
    allFlags: number,
    direction: number,
    command: number,
    protocol: number,
    data: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const transfers = k.get(I2cTransfers);
    const flags = allFlags & (I2C_CLIENT_TEN | I2C_CLIENT_PEC | I2C_CLIENT_SCCB);
    const algorithm = k.struct('i2c_adapter').get(adapter, 'algo');
    const type = k.struct('i2c_algorithm');
    if (type.get(algorithm, 'smbus_xfer') !== 0) {
      const args = [adapter, addr, flags, direction, command, protocol, data] as const;
      const status = yield* transfers.retrying(adapter, () => type.call(algorithm, 'smbus_xfer', ...args));
      if (status !== -EOPNOTSUPP || !transfers.hasMessages(adapter)) return status;
    }
    const reads = isRead(direction);
    return yield* this.emulation.transfer({ adapter, addr, flags, reads, command, protocol, data });
  }

  private *ofClient(
    client: Ptr,
    direction: number,
    command: number,
    protocol: number,
    data: Ptr,
  ): Sleepable<number> {
    const type = this.k.struct('i2c_client');
    const [adapter, addr, flags] = ['adapter', 'addr', 'flags'].map((member) => type.get(client, member));
    return yield* this.transfer(adapter, addr, flags, direction, command, protocol, data);
  }

  /** i2c_smbus_read_byte_data(), i2c_smbus_write_byte_data() and their kin, as other parts of the kernel use them. */
  readByteData(client: Ptr, command: number): Sleepable<number> {
    return this.readByte(client, command, I2C_SMBUS_BYTE_DATA);
  }

  writeByteData(client: Ptr, command: number, value: number): Sleepable<number> {
    return this.write(client, command, I2C_SMBUS_BYTE_DATA, [value]);
  }

  writeWord(client: Ptr, command: number, value: number): Sleepable<number> {
    return this.write(client, command, I2C_SMBUS_WORD_DATA, [value & 0xff, value >> 8]);
  }

  writeI2cBlock(client: Ptr, command: number, bytes: Uint8Array): Sleepable<number> {
    return this.write(client, command, I2C_SMBUS_I2C_BLOCK_DATA, [bytes.length, ...bytes]);
  }

  *readI2cBlock(client: Ptr, command: number, length: number): Sleepable<Uint8Array | number> {
    const { k } = this;
    const self = this;
    return yield* withLocals(k, I2C_SMBUS_BLOCK_MAX, function* (values): Sleepable<Uint8Array | number> {
      const count = yield* self.readBlock(client, command, I2C_SMBUS_I2C_BLOCK_DATA, length, values);
      return count < 0 ? count : k.space.readable(values, count).slice();
    });
  }

  private *readByte(client: Ptr, command: number, protocol: number): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      const status = yield* self.ofClient(client, I2C_SMBUS_READ, command, protocol, data);
      return status < 0 ? status : k.space.load8(data);
    });
  }

  *readWord(client: Ptr, command: number): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      const status = yield* self.ofClient(client, I2C_SMBUS_READ, command, I2C_SMBUS_WORD_DATA, data);
      return status < 0 ? status : k.space.load16(data);
    });
  }

  private *write(
    client: Ptr,
    command: number,
    protocol: number,
    bytes: ArrayLike<number>,
  ): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      k.space.writable(data, bytes.length).set(bytes);
      return yield* self.ofClient(client, I2C_SMBUS_WRITE, command, protocol, data);
    });
  }

  /** A block whose length the chip says, or the caller: the number of bytes that were read. */
  private *readBlock(
    client: Ptr,
    command: number,
    protocol: number,
    length: number,
    values: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      k.space.store8(data, Math.min(length, I2C_SMBUS_BLOCK_MAX));
      const status = yield* self.ofClient(client, I2C_SMBUS_READ, command, protocol, data);
      if (status < 0) return status;
      const count = k.space.load8(data);
      k.space.writable(values, count).set(k.space.readable(data + 1, count));
      return count;
    });
  }

  private *writeBlock(
    client: Ptr,
    command: number,
    protocol: number,
    length: number,
    values: Ptr,
  ): Sleepable<number> {
    const count = Math.min(length, I2C_SMBUS_BLOCK_MAX);
    const bytes = [count, ...this.k.space.readable(values, count)];
    return yield* this.write(client, command, protocol, bytes);
  }

  /** A block, or words and bytes where the adapter can no more. */
  private *readBlockSomehow(client: Ptr, command: number, length: number, values: Ptr): Sleepable<number> {
    const { k } = this;
    const count = Math.min(length, I2C_SMBUS_BLOCK_MAX);
    const adapter = k.struct('i2c_client').get(client, 'adapter');
    const functions = yield* k.get(I2cTransfers).functionality(adapter);
    if (functions & I2C_FUNC_SMBUS_READ_I2C_BLOCK)
      return yield* this.readBlock(client, command, I2C_SMBUS_I2C_BLOCK_DATA, count, values);
    if ((functions & I2C_FUNC_SMBUS_READ_BYTE_DATA) === 0) return -EOPNOTSUPP;
    let done = 0;
    if (functions & I2C_FUNC_SMBUS_READ_WORD_DATA)
      for (; done + 2 <= count; done += 2) {
        const word = yield* this.readWord(client, command + done);
        if (word < 0) return word;
        k.space.store16(values + done, word);
      }
    for (; done < count; done++) {
      const byte = yield* this.readByte(client, command + done, I2C_SMBUS_BYTE_DATA);
      if (byte < 0) return byte;
      k.space.store8(values + done, byte);
    }
    return done;
  }
}
