import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EBUSY, ENOMEM } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { DYNAMIC_DEV, TtyDrivers } from './tty-driver.js';
import { TtyPorts } from './tty-port.js';

const REAL_RAW = 0x04;
/** TTY_DRIVER_TYPE_SERIAL and SERIAL_TYPE_NORMAL (include/linux/tty_driver.h). */
const TYPE_SERIAL = 3;
const SUBTYPE_NORMAL = 1;
/** B9600 | CS8 | CREAD | HUPCL | CLOCAL: see termios(3). */
const SERIAL_CFLAG = 0xcbd;
const SPEED = 9600;

/** Drivers of serial chips (drivers/tty/serial/serial_core.c, Documentation/driver-api/serial/driver.rst). */
export class SerialCore implements Subsystem {
  static readonly builtIn = 'CONFIG_SERIAL_CORE';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    uart_register_driver: (driver: Ptr) => this.register(driver),
    uart_unregister_driver: (driver: Ptr) => this.unregister(driver),
  };

  private *register(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('uart_driver');
    const state = k.struct('uart_state');
    if (type.get(driver, 'state') !== 0) {
      warn(k, '', 'drivers/tty/serial/serial_core.c', 'uart_register_driver');
      return -EBUSY;
    }
    const lines = type.get(driver, 'nr');
    const states = k.slab.allocateBytes(lines * state.size, true);
    if (states === 0) return -ENOMEM;
    const ttys = k.get(TtyDrivers);
    const tty = ttys.allocate(lines, type.get(driver, 'owner'), REAL_RAW | DYNAMIC_DEV);
    if (isErr(tty)) {
      k.slab.free(states);
      return ptrErr(tty);
    }
    type.set(driver, 'state', states);
    type.set(driver, 'tty_driver', tty);
    this.describe(driver, tty);
    for (let i = 0; i < lines; i++) k.get(TtyPorts).init(state.addr(states + i * state.size, 'port'));
    const error = yield* ttys.register(tty);
    if (error === 0) return 0;
    this.forget(driver);
    return error;
  }

  private *unregister(driver: Ptr): Sleepable<void> {
    yield* this.k.get(TtyDrivers).unregister(this.k.struct('uart_driver').get(driver, 'tty_driver'));
    this.forget(driver);
  }

  private describe(driver: Ptr, tty: Ptr): void {
    const { k } = this;
    const type = k.struct('uart_driver');
    const target = k.struct('tty_driver');
    const { size } = target.member('init_termios');
    k.space
      .writable(target.addr(tty, 'init_termios'), size)
      .set(k.space.readable(k.symbol('tty_std_termios'), size));
    const members = {
      driver_name: type.get(driver, 'driver_name'),
      name: type.get(driver, 'dev_name'),
      major: type.get(driver, 'major'),
      minor_start: type.get(driver, 'minor'),
      type: TYPE_SERIAL,
      subtype: SUBTYPE_NORMAL,
      'init_termios.c_cflag': SERIAL_CFLAG,
      'init_termios.c_ispeed': SPEED,
      'init_termios.c_ospeed': SPEED,
      driver_state: driver,
    };
    for (const [member, value] of Object.entries(members)) target.set(tty, member, value);
  }

  private forget(driver: Ptr): void {
    const { k } = this;
    const type = k.struct('uart_driver');
    k.get(TtyDrivers).put(type.get(driver, 'tty_driver'));
    k.slab.free(type.get(driver, 'state'));
    type.set(driver, 'state', 0);
    type.set(driver, 'tty_driver', 0);
  }
}
