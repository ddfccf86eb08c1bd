import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Transfers that are made of others (drivers/spi/spi.c). */
export class SpiTransfers implements Subsystem {
  static readonly builtIn = 'CONFIG_SPI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    spi_write_then_read: (device: Ptr, out: Ptr, outBytes: number, into: Ptr, intoBytes: number) =>
      this.writeThenRead(device, out, outBytes, into, intoBytes),
  };

  /**
   * Sends bytes, then receives others, in one message: what is sent and what comes goes through memory that devices may reach.
   * Returns 0 or an error of the controller's.
   */
  private *writeThenRead(
    device: Ptr,
    out: Ptr,
    outBytes: number,
    into: Ptr,
    intoBytes: number,
  ): Sleepable<number> {
    const { k } = this;
    const message = k.struct('spi_message');
    const transfer = k.struct('spi_transfer');
    const size = message.size + 2 * transfer.size + outBytes + intoBytes;
    const at = k.slab.allocateBytes(size, true);
    if (at === 0) return -ENOMEM;
    const first = at + message.size;
    const second = first + transfer.size;
    const buffer = second + transfer.size;
    list.init(k.space, message.addr(at, 'transfers'));
    list.init(k.space, message.addr(at, 'resources'));
    if (outBytes > 0) this.add(at, first, 'tx_buf', buffer, outBytes);
    if (intoBytes > 0) this.add(at, second, 'rx_buf', buffer + outBytes, intoBytes);
    k.space.writable(buffer, outBytes).set(k.space.readable(out, outBytes));
    const status = yield* k.callAs('i:pp', k.fn('spi_sync'), device, at);
    if (status === 0) k.space.writable(into, intoBytes).set(k.space.readable(buffer + outBytes, intoBytes));
    k.slab.free(at);
    return status;
  }

  /** spi_message_add_tail(). */
  private add(message: Ptr, at: Ptr, member: 'tx_buf' | 'rx_buf', buffer: Ptr, bytes: number): void {
    const { k } = this;
    const type = k.struct('spi_transfer');
    type.set(at, member, buffer);
    type.set(at, 'len', bytes);
    list.addTail(k.space, type.addr(at, 'transfer_list'), k.struct('spi_message').addr(message, 'transfers'));
  }
}
