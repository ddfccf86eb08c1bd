import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EBADMSG, EINVAL, EIO, EOPNOTSUPP, EPROTO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import {
  I2C_CLIENT_PEC,
  I2C_M_DMA_SAFE,
  I2C_M_RD,
  I2C_M_RECV_LEN,
  I2C_SMBUS_BLOCK_DATA,
  I2C_SMBUS_BLOCK_MAX,
  I2C_SMBUS_BLOCK_PROC_CALL,
  I2C_SMBUS_BYTE,
  I2C_SMBUS_BYTE_DATA,
  I2C_SMBUS_I2C_BLOCK_DATA,
  I2C_SMBUS_PROC_CALL,
  I2C_SMBUS_QUICK,
  I2C_SMBUS_READ,
  I2C_SMBUS_WORD_DATA,
} from './i2c-flags.js';
import { I2cTransfers } from './i2c-transfer.js';
import { packetErrorCode } from './smbus-pec.js';

/** A transaction of SMBus. `data` points to a union i2c_smbus_data, or is 0 where the protocol has none. */
export interface SmbusTransaction {
  readonly adapter: Ptr;
  readonly addr: number;
  readonly flags: number;
  readonly reads: boolean;
  readonly command: number;
  readonly protocol: number;
  readonly data: Ptr;
}

/** The messages that a transaction is made of: what is written, and how much is read after it. */
interface Plan {
  /** Bytes of the first message; undefined where that is a read. */
  readonly write: readonly number[] | undefined;
  /** How much is read; undefined where nothing is. */
  readonly read: number | undefined;
  /** The first byte read says how many follow. */
  readonly counted?: true;
  /** Whether messages are in memory that devices may reach. */
  readonly safe?: true;
}

/** Room that a message of SMBus needs: command, length, a block, packet error code. */
const BUFFER_BYTES = I2C_SMBUS_BLOCK_MAX + 3;

/** SMBus by messages of I2C, for adapters that have no more (drivers/i2c/i2c-core-smbus.c). */
export class SmbusEmulation {
  constructor(private readonly k: LinuxKernel) {}

  /** i2c_smbus_xfer_emulated(): the adapter is locked. */
  *transfer(transaction: SmbusTransaction): Sleepable<number> {
    const plan = this.plan(transaction);
    if (typeof plan === 'number') return plan;
    const { k } = this;
    const size = 2 * (k.sizeOf('i2c_msg') + BUFFER_BYTES);
    const run = (at: Ptr): Sleepable<number> => this.execute(transaction, plan, at);
    return yield* withLocals(k, size, run);
  }

  private plan({ adapter, protocol, reads, command, data }: SmbusTransaction): Plan | number {
    const { space } = this.k;
    const word = (): readonly number[] => [command, space.load8(data), space.load8(data + 1)];
    const block = (): readonly number[] => [...space.readable(data, space.load8(data) + 1)];
    switch (protocol) {
      case I2C_SMBUS_QUICK:
        return reads ? { write: undefined, read: 0 } : { write: [], read: undefined };
      case I2C_SMBUS_BYTE:
        return reads ? { write: undefined, read: 1 } : { write: [command], read: undefined };
      case I2C_SMBUS_BYTE_DATA:
        return reads
          ? { write: [command], read: 1 }
          : { write: [command, space.load8(data)], read: undefined };
      case I2C_SMBUS_WORD_DATA:
        return reads ? { write: [command], read: 2 } : { write: word(), read: undefined };
      case I2C_SMBUS_PROC_CALL:
        return { write: word(), read: 2 };
      case I2C_SMBUS_BLOCK_DATA:
        if (reads) return { write: [command], read: 1, counted: true, safe: true };
        if (space.load8(data) > I2C_SMBUS_BLOCK_MAX) return this.refuse(adapter, 'write', data);
        return { write: [command, ...block()], read: undefined, safe: true };
      case I2C_SMBUS_BLOCK_PROC_CALL:
        if (space.load8(data) > I2C_SMBUS_BLOCK_MAX) return this.refuse(adapter, 'write', data);
        return { write: [command, ...block()], read: 1, counted: true, safe: true };
      case I2C_SMBUS_I2C_BLOCK_DATA:
        if (space.load8(data) > I2C_SMBUS_BLOCK_MAX)
          return this.refuse(adapter, reads ? 'read' : 'write', data);
        return reads
          ? { write: [command], read: space.load8(data), safe: true }
          : { write: [command, ...block().slice(1)], read: undefined, safe: true };
      default:
        this.complain(adapter, `Unsupported transaction ${protocol}`);
        return -EOPNOTSUPP;
    }
  }

  private refuse(adapter: Ptr, kind: 'read' | 'write', data: Ptr): number {
    this.complain(adapter, `Invalid block ${kind} size ${this.k.space.load8(data)}`);
    return -EINVAL;
  }

  private complain(adapter: Ptr, text: string): void {
    const device = this.k.struct('i2c_adapter').addr(adapter, 'dev');
    this.k.get(DevicePrintk).device(device, LOGLEVEL_ERR, `${text}\n`);
  }

  private *execute(transaction: SmbusTransaction, plan: Plan, at: Ptr): Sleepable<number> {
    const { k } = this;
    const { adapter, flags, protocol } = transaction;
    const checked =
      (flags & I2C_CLIENT_PEC) !== 0 && protocol !== I2C_SMBUS_QUICK && protocol !== I2C_SMBUS_I2C_BLOCK_DATA;
    const buffers = at + 2 * k.sizeOf('i2c_msg');
    const taken: Ptr[] = [];
    const bufferOf = (index: number): { readonly buffer: Ptr; readonly safe: boolean } => {
      const memory = plan.safe ? k.slab.allocateBytes(BUFFER_BYTES, true) : 0;
      if (memory === 0) return { buffer: buffers + index * BUFFER_BYTES, safe: false };
      taken.push(memory);
      return { buffer: memory, safe: true };
    };
    const count = this.fill(transaction, plan, at, checked, bufferOf);
    let status = yield* k.get(I2cTransfers).transferLocked(adapter, at, count);
    if (status >= 0) status = status === count ? this.result(transaction, plan, at, count, checked) : -EIO;
    for (const memory of taken) k.slab.free(memory);
    return status;
  }

  /** Makes the messages; their number. */
  private fill(
    { addr, flags }: SmbusTransaction,
    { write, read, counted }: Plan,
    at: Ptr,
    checked: boolean,
    bufferOf: (index: number) => { readonly buffer: Ptr; readonly safe: boolean },
  ): number {
    const { k } = this;
    const type = k.struct('i2c_msg');
    let count = 0;
    const add = (length: number, more: number): Ptr => {
      const message = at + count * type.size;
      const { buffer, safe } = bufferOf(count);
      type.set(message, 'addr', addr);
      type.set(message, 'flags', flags | more | (safe ? I2C_M_DMA_SAFE : 0));
      type.set(message, 'len', length);
      type.set(message, 'buf', buffer);
      count++;
      return buffer;
    };
    if (write !== undefined) {
      const code = packetErrorCode(0, [addr << 1, ...write]);
      const bytes = checked && read === undefined ? [...write, code] : write;
      const buffer = add(bytes.length, 0);
      k.space.writable(buffer, bytes.length).set(bytes);
    }
    if (read !== undefined) add(read + Number(checked), I2C_M_RD | (counted ? I2C_M_RECV_LEN : 0));
    return count;
  }

  /** Gives the caller what was read: 0, or an error. */
  private result(
    { addr, data, protocol, reads, adapter }: SmbusTransaction,
    { write, read }: Plan,
    at: Ptr,
    count: number,
    checked: boolean,
  ): number {
    if (read === undefined) return 0;
    const { k } = this;
    const type = k.struct('i2c_msg');
    const message = at + (count - 1) * type.size;
    const length = type.get(message, 'len');
    const bytes = k.space.readable(type.get(message, 'buf'), length);
    if (checked) {
      const before = write === undefined ? 0 : packetErrorCode(0, [addr << 1, ...write]);
      const expected = packetErrorCode(before, [(addr << 1) | 1, ...bytes.subarray(0, length - 1)]);
      if (expected !== bytes[length - 1]) return -EBADMSG;
    }
    const calls = protocol === I2C_SMBUS_PROC_CALL || protocol === I2C_SMBUS_BLOCK_PROC_CALL;
    if (!reads && !calls) return 0;
    return this.deliver(adapter, protocol, bytes, data);
  }

  private deliver(adapter: Ptr, protocol: number, bytes: Uint8Array, data: Ptr): number {
    const { space } = this.k;
    switch (protocol) {
      case I2C_SMBUS_BYTE:
      case I2C_SMBUS_BYTE_DATA:
        space.store8(data, bytes[0]);
        return 0;
      case I2C_SMBUS_WORD_DATA:
      case I2C_SMBUS_PROC_CALL:
        space.store16(data, bytes[0] | (bytes[1] << 8));
        return 0;
      case I2C_SMBUS_I2C_BLOCK_DATA: {
        const wanted = space.load8(data);
        space.writable(data + 1, wanted).set(bytes.subarray(0, wanted));
        return 0;
      }
      case I2C_SMBUS_BLOCK_DATA:
      case I2C_SMBUS_BLOCK_PROC_CALL:
        if (bytes[0] > I2C_SMBUS_BLOCK_MAX) {
          this.complain(adapter, `Invalid block size returned: ${bytes[0]}`);
          return -EPROTO;
        }
        space.writable(data, bytes[0] + 1).set(bytes.subarray(0, bytes[0] + 1));
        return 0;
      default:
        return 0;
    }
  }
}

/** Whether a transaction reads, as its caller says it. */
export const isRead = (direction: number): boolean => direction === I2C_SMBUS_READ;
