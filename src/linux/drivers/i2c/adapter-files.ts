import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOENT } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import { kobjOf } from '../base/device.js';
import { I2cClients } from './i2c-client.js';
import {
  I2C_ADDR_OFFSET_SLAVE,
  I2C_ADDR_OFFSET_TEN_BIT,
  I2C_CLIENT_SLAVE,
  I2C_CLIENT_TEN,
} from './i2c-flags.js';

/** An address as `%hi%c` reads it: of any base, a newline at most behind it. */
type Address =
  | { readonly address: number }
  | { readonly wrong: "Can't parse I2C address" | 'Extra parameters' };

function addressIn(text: string): Address {
  const found = /^\s*([-+]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)/i.exec(text);
  if (!found) return { wrong: "Can't parse I2C address" };
  const rest = text.slice(found[0].length);
  if (rest !== '' && !rest.startsWith('\n')) return { wrong: 'Extra parameters' };
  const digits = found[2];
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return { address: (found[1] === '-' ? -value : value) & 0xffff };
}

/** An adapter's files: its name, and the two by which users make and delete clients (Documentation/i2c/instantiating-devices.rst). */
export class AdapterFiles {
  constructor(private readonly k: LinuxKernel) {}

  add(adapter: Ptr): void {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    const directory = k.get(Sysfs).directoryOf(kobjOf(k, type.addr(adapter, 'dev')))!;
    const sysfs = k.get(Sysfs);
    sysfs.addText(directory, 'name', 0o444, () => `${type.text(adapter, 'name')}\n`);
    sysfs.addText(directory, 'new_device', 0o200, undefined, (text) => this.newDevice(adapter, text));
    sysfs.addText(directory, 'delete_device', 0o200, undefined, (text) => this.deleteDevice(adapter, text));
  }

  /** Removes the clients that users made. */
  *removeClients(adapter: Ptr): Sleepable<void> {
    const { k } = this;
    for (const node of [...list.entries(k.space, this.head(adapter))]) {
      list.del(k.space, node);
      yield* k.get(I2cClients).remove(k.struct('i2c_client').of(node, 'detected'));
    }
  }

  private head(adapter: Ptr): Ptr {
    return this.k.struct('i2c_adapter').addr(adapter, 'userspace_clients');
  }

  /** `NAME ADDRESS` */
  private *newDevice(adapter: Ptr, text: string): Sleepable<number> {
    const { k } = this;
    const board = k.struct('i2c_board_info');
    const refuse = (why: string): number => this.refuse(adapter, 'new_device', why);
    const blank = text.indexOf(' ');
    if (blank < 0) return refuse('Missing parameters');
    if (blank >= board.member('type').size) return refuse('Invalid device name');
    const kind = text.slice(0, blank);
    const parsed = addressIn(text.slice(blank + 1));
    if ('wrong' in parsed) return refuse(parsed.wrong);
    const ten = (parsed.address & I2C_ADDR_OFFSET_TEN_BIT) === I2C_ADDR_OFFSET_TEN_BIT;
    const without = ten ? parsed.address & ~I2C_ADDR_OFFSET_TEN_BIT : parsed.address;
    const slave = (without & I2C_ADDR_OFFSET_SLAVE) !== 0;
    const address = without & ~I2C_ADDR_OFFSET_SLAVE;
    const self = this;
    return yield* withLocals(k, board.size, function* (info) {
      board.setText(info, 'type', kind);
      board.set(info, 'addr', address);
      board.set(info, 'flags', (ten ? I2C_CLIENT_TEN : 0) | (slave ? I2C_CLIENT_SLAVE : 0));
      const client = yield* k.get(I2cClients).create(adapter, info);
      if (isErr(client)) return ptrErr(client);
      const node = k.struct('i2c_client').addr(client, 'detected');
      list.addTail(k.space, node, self.head(adapter));
      const at = address.toString(16).padStart(2, '0');
      self.say(adapter, LOGLEVEL_INFO, `new_device: Instantiated device ${kind} at 0x${at}`);
      return 0;
    });
  }

  private *deleteDevice(adapter: Ptr, text: string): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_client');
    const parsed = addressIn(text);
    if ('wrong' in parsed) return this.refuse(adapter, 'delete_device', parsed.wrong);
    for (const node of list.entries(k.space, this.head(adapter))) {
      const client = type.of(node, 'detected');
      if (k.get(I2cClients).encodedAddress(client) !== parsed.address) continue;
      const at = type.get(client, 'addr').toString(16).padStart(2, '0');
      const name = type.text(client, 'name');
      this.say(adapter, LOGLEVEL_INFO, `delete_device: Deleting device ${name} at 0x${at}`);
      list.del(k.space, node);
      yield* k.get(I2cClients).remove(client);
      return 0;
    }
    this.say(adapter, LOGLEVEL_ERR, "delete_device: Can't find device in list");
    return -ENOENT;
  }

  private refuse(adapter: Ptr, file: string, why: string): number {
    this.say(adapter, LOGLEVEL_ERR, `${file}: ${why}`);
    return -EINVAL;
  }

  private say(adapter: Ptr, level: number, text: string): void {
    const device = this.k.struct('i2c_adapter').addr(adapter, 'dev');
    this.k.get(DevicePrintk).device(device, level, `${text}\n`);
  }
}
