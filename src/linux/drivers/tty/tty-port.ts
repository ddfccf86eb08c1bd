import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { krefInit, krefPut } from '../../kobject/kref.js';
import { freeConst } from '../../kobject/names.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { TtyDrivers } from './tty-driver.js';

/** Bytes that a port buffers at most unless told otherwise (TTYB_DEFAULT_MEM_LIMIT). */
const BUFFER_LIMIT = 640 * 1024;

/** What a port gives what it receives to: its terminal (drivers/tty/tty_port.c). */
const CLIENT = 'tty_port_default_client_ops';

/** Terminal ports: the hardware's side of a terminal, which outlives its users (drivers/tty/tty_port.c). */
export class TtyPorts implements Subsystem {
  static readonly builtIn = 'CONFIG_TTY';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    // No process of this machine has a controlling terminal.
    get_current_tty: nothing('no process has a terminal', 0),
    tty_port_init: (port: Ptr) => this.init(port),
    tty_port_destroy: (port: Ptr) => this.destroy(port),
    tty_port_put: (port: Ptr) => this.put(port),
    tty_port_link_device: (port: Ptr, driver: Ptr, index: number) => this.link(port, driver, index),
    tty_port_register_device: (port: Ptr, driver: Ptr, index: number, parent: Ptr) =>
      this.register(port, driver, index, parent, 0, 0),
    tty_port_register_device_attr: (
      port: Ptr,
      driver: Ptr,
      index: number,
      parent: Ptr,
      data: Ptr,
      groups: Ptr,
    ) => this.register(port, driver, index, parent, data, groups),
    tty_port_unregister_device: (_port: Ptr, driver: Ptr, index: number) =>
      this.k.get(TtyDrivers).unregisterDevice(driver, index),
    tty_buffer_set_limit: (port: Ptr, limit: number) => {
      this.k.struct('tty_port').set(port, 'buf.mem_limit', limit);
      return 0;
    },
  };

  /** tty_port_init(). */
  init(port: Ptr): void {
    const { k } = this;
    const type = k.struct('tty_port');
    k.space.writable(port, type.size).fill(0);
    for (const lock of ['mutex', 'buf_mutex', 'buf.lock']) k.get(Mutexes).init(type.addr(port, lock));
    for (const head of ['open_wait.head', 'delta_msr_wait.head', 'buf.work.entry'])
      list.init(k.space, type.addr(port, head));
    const sentinel = type.addr(port, 'buf.sentinel');
    type.set(port, 'buf.head', sentinel);
    type.set(port, 'buf.tail', sentinel);
    type.set(port, 'buf.mem_limit', BUFFER_LIMIT);
    type.set(port, 'buf.mem_used.counter', 0);
    type.set(port, 'buf.free.first', 0);
    if (k.hasSymbol(CLIENT)) type.set(port, 'client_ops', k.symbol(CLIENT));
    const hz = Number(k.target.config.get('CONFIG_HZ'));
    type.set(port, 'close_delay', (50 * hz) / 100);
    type.set(port, 'closing_wait', (3000 * hz) / 100);
    krefInit(k, type.addr(port, 'kref'));
  }

  private destroy(port: Ptr): void {
    const { k } = this;
    const type = k.struct('tty_port');
    if (type.get(port, 'itty') !== 0) warn(k, '', 'drivers/tty/tty_port.c', 'tty_port_destroy');
    freeConst(k, type.get(port, 'xmit_buf'));
    type.set(port, 'xmit_buf', 0);
  }

  private *put(port: Ptr): Sleepable<void> {
    const { k } = this;
    if (port === 0 || !krefPut(k, k.struct('tty_port').addr(port, 'kref'))) return;
    this.destroy(port);
    const ops = k.struct('tty_port').get(port, 'ops');
    const operations = k.struct('tty_port_operations');
    if (ops !== 0 && operations.get(ops, 'destruct') !== 0) yield* operations.call(ops, 'destruct', port);
    else k.slab.free(port);
  }

  private link(port: Ptr, driver: Ptr, index: number): void {
    const type = this.k.struct('tty_driver');
    if (index >= type.get(driver, 'num')) {
      warn(this.k, '', 'drivers/tty/tty_port.c', 'tty_port_link_device');
      return;
    }
    const ports = type.get(driver, 'ports');
    if (ports !== 0) this.k.space.storePtr(ports + index * 8, port);
  }

  private *register(
    port: Ptr,
    driver: Ptr,
    index: number,
    parent: Ptr,
    data: Ptr,
    groups: Ptr,
  ): Sleepable<Ptr> {
    this.link(port, driver, index);
    return yield* this.k.get(TtyDrivers).registerDevice(driver, index, parent, data, groups);
  }
}
