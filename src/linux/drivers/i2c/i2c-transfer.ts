import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EAGAIN, EINVAL, EOPNOTSUPP, ESHUTDOWN } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { jiffiesToNs } from '../../time/jiffies.js';
import { Once, warn } from '../../warn.js';
import { I2C_CORE, I2C_M_DMA_SAFE, I2C_M_RD, I2C_M_TEN } from './i2c-flags.js';
import { I2cLocks } from './i2c-lock.js';

/** Bits of i2c_adapter.locked_flags. */
const IS_SUSPENDED = 1;
const SUSPEND_REPORTED = 2;

/** What an adapter cannot do with combined messages (struct i2c_adapter_quirks, include/linux/i2c.h). */
const COMB = 0x01;
const COMB_WRITE_FIRST = 0x02;
const COMB_READ_SECOND = 0x04;
const COMB_SAME_ADDR = 0x08;
const NO_ZERO_LEN_READ = 0x20;
const NO_ZERO_LEN_WRITE = 0x40;

/** A message, as quirks look at it. */
interface Message {
  readonly addr: number;
  readonly length: number;
  readonly reads: boolean;
}

/** Messages to chips, by an adapter's algorithm (drivers/i2c/i2c-core-base.c). */
export class I2cTransfers implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __i2c_transfer: (adapter: Ptr, messages: Ptr, count: number) =>
      this.transferLocked(adapter, messages, count),
    i2c_transfer: (adapter: Ptr, messages: Ptr, count: number) => this.transfer(adapter, messages, count),
    i2c_transfer_buffer_flags: (client: Ptr, buffer: Ptr, count: number, flags: number) =>
      this.transferBuffer(client, buffer, count, flags),
    i2c_get_dma_safe_msg_buf: (message: Ptr, threshold: number) => this.safeBuffer(message, threshold),
    i2c_put_dma_safe_msg_buf: (buffer: Ptr, message: Ptr, transferred: boolean) =>
      this.putSafeBuffer(buffer, message, transferred),
  };

  /** i2c_get_functionality(): what an adapter says that it can do, I2C_FUNC_*. */
  *functionality(adapter: Ptr): Sleepable<number> {
    const algorithm = this.k.struct('i2c_adapter').get(adapter, 'algo');
    return yield* this.k.struct('i2c_algorithm').call(algorithm, 'functionality', adapter);
  }

  /** i2c_check_functionality() */
  *can(adapter: Ptr, functions: number): Sleepable<boolean> {
    return ((yield* this.functionality(adapter)) & functions) === functions;
  }

  hasMessages(adapter: Ptr): boolean {
    const algorithm = this.k.struct('i2c_adapter').get(adapter, 'algo');
    return this.k.struct('i2c_algorithm').get(algorithm, 'master_xfer') !== 0;
  }

  /** i2c_transfer(): the number of messages that were executed, or a negative error number. */
  *transfer(adapter: Ptr, messages: Ptr, count: number): Sleepable<number> {
    if (!this.hasMessages(adapter)) return -EOPNOTSUPP;
    return yield* this.k.get(I2cLocks).locked(adapter, () => this.transferLocked(adapter, messages, count));
  }

  /** __i2c_transfer() */
  *transferLocked(adapter: Ptr, messages: Ptr, count: number): Sleepable<number> {
    const { k } = this;
    if (!this.hasMessages(adapter)) return -EOPNOTSUPP;
    if (messages === 0 || count < 1) {
      warn(k, '', I2C_CORE, '__i2c_transfer');
      return -EINVAL;
    }
    if (this.isSuspended(adapter)) return -ESHUTDOWN;
    if (this.breaksQuirks(adapter, messages, count)) return -EOPNOTSUPP;
    const algorithm = k.struct('i2c_adapter').get(adapter, 'algo');
    return yield* this.retrying(adapter, () =>
      k.struct('i2c_algorithm').call(algorithm, 'master_xfer', adapter, messages, count),
    );
  }

  /** Tries again where arbitration was lost: as often, and for as long, as the adapter says. */
  *retrying(adapter: Ptr, attempt: () => Sleepable<number>): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    const end = k.now() + jiffiesToNs(k, type.get(adapter, 'timeout'));
    let result = 0;
    for (let tries = 0; tries <= type.get(adapter, 'retries'); tries++) {
      result = yield* attempt();
      if (result !== -EAGAIN || k.now() > end) break;
    }
    return result;
  }

  private *transferBuffer(client: Ptr, buffer: Ptr, count: number, flags: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_client');
    const message = k.struct('i2c_msg');
    const self = this;
    return yield* withLocals(k, message.size, function* (at) {
      message.set(at, 'addr', type.get(client, 'addr'));
      message.set(at, 'flags', flags | (type.get(client, 'flags') & I2C_M_TEN));
      message.set(at, 'len', count);
      message.set(at, 'buf', buffer);
      const done = yield* self.transfer(type.get(client, 'adapter'), at, 1);
      return done === 1 ? count : done;
    });
  }

  private isSuspended(adapter: Ptr): boolean {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    if (!type.has('locked_flags')) return false;
    const flags = type.get(adapter, 'locked_flags');
    if ((flags & IS_SUSPENDED) === 0) return false;
    if ((flags & SUSPEND_REPORTED) === 0) {
      type.set(adapter, 'locked_flags', flags | SUSPEND_REPORTED);
      warn(k, 'Transfer while suspended', 'drivers/i2c/i2c-core.h', '__i2c_check_suspended');
    }
    return true;
  }

  private messageAt(messages: Ptr, index: number): Message {
    const type = this.k.struct('i2c_msg');
    const at = messages + index * type.size;
    return {
      addr: type.get(at, 'addr'),
      length: type.get(at, 'len'),
      reads: (type.get(at, 'flags') & I2C_M_RD) !== 0,
    };
  }

  /** i2c_check_for_quirks() */
  private breaksQuirks(adapter: Ptr, messages: Ptr, count: number): boolean {
    const quirks = this.k.struct('i2c_adapter').get(adapter, 'quirks');
    if (quirks === 0) return false;
    const all = Array.from({ length: count }, (_, i) => this.messageAt(messages, i));
    const broken = this.brokenQuirk(quirks, all);
    if (!broken) return false;
    const { message, what } = broken;
    const address = message.addr.toString(16).padStart(4, '0');
    const kind = message.reads ? 'read' : 'write';
    const text = `adapter quirk: ${what} (addr 0x${address}, size ${message.length}, ${kind})`;
    if (this.once.first(`${adapter} ${text}`))
      this.k
        .get(DevicePrintk)
        .device(this.k.struct('i2c_adapter').addr(adapter, 'dev'), LOGLEVEL_ERR, `${text}\n`);
    return true;
  }

  private brokenQuirk(
    quirks: Ptr,
    all: readonly Message[],
  ): { readonly message: Message; readonly what: string } | undefined {
    const type = this.k.struct('i2c_adapter_quirks');
    const flags = Number(type.getBig(quirks, 'flags'));
    const exceeds = (value: number, member: string): boolean => {
      const limit = type.get(quirks, member);
      return limit !== 0 && value > limit;
    };
    const [first, second] = all;
    const combined = (flags & COMB) !== 0;
    if (combined && all.length === 2) {
      if (flags & COMB_WRITE_FIRST && first.reads)
        return { message: first, what: '1st comb msg must be write' };
      if (flags & COMB_READ_SECOND && !second.reads)
        return { message: second, what: '2nd comb msg must be read' };
      if (flags & COMB_SAME_ADDR && first.addr !== second.addr)
        return { message: first, what: 'comb msg only to same addr' };
      if (exceeds(first.length, 'max_comb_1st_msg_len')) return { message: first, what: 'msg too long' };
      if (exceeds(second.length, 'max_comb_2nd_msg_len')) return { message: second, what: 'msg too long' };
    }
    if (combined ? all.length > 2 : exceeds(all.length, 'max_num_msgs'))
      return { message: first, what: 'too many messages' };
    for (const message of all) {
      const checked = !(combined && all.length === 2);
      if (checked && exceeds(message.length, message.reads ? 'max_read_len' : 'max_write_len'))
        return { message, what: 'msg too long' };
      if (message.length === 0 && flags & (message.reads ? NO_ZERO_LEN_READ : NO_ZERO_LEN_WRITE))
        return { message, what: 'no zero length' };
    }
    return undefined;
  }

  /** i2c_get_dma_safe_msg_buf(): memory that a device may reach, 0 where the message is too short for it to be worth it. */
  private safeBuffer(message: Ptr, threshold: number): Ptr {
    const { k } = this;
    const type = k.struct('i2c_msg');
    const length = type.get(message, 'len');
    if (length === 0 || length < threshold) return 0;
    const own = type.get(message, 'buf');
    const flags = type.get(message, 'flags');
    if (flags & I2C_M_DMA_SAFE) return own;
    const copy = k.slab.allocateBytes(length, true);
    if (copy !== 0 && (flags & I2C_M_RD) === 0)
      k.space.writable(copy, length).set(k.space.readable(own, length));
    return copy;
  }

  private putSafeBuffer(buffer: Ptr, message: Ptr, transferred: boolean): void {
    const { k } = this;
    const type = k.struct('i2c_msg');
    const own = type.get(message, 'buf');
    if (buffer === 0 || buffer === own) return;
    const length = type.get(message, 'len');
    if (transferred && type.get(message, 'flags') & I2C_M_RD)
      k.space.writable(own, length).set(k.space.readable(buffer, length));
    k.slab.free(buffer);
  }
}
