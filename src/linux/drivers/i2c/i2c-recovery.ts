import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { EBUSY, EOPNOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';

/** Pulses of the clock that free a chip which holds the data line (UM10204, 3.1.16). */
const CLOCKS = 9;

/** Freeing a bus whose data line a chip holds (drivers/i2c/i2c-core-base.c). Lines that are GPIOs are not looked for. */
export class I2cRecovery implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_recover_bus: (adapter: Ptr) => this.recover(adapter),
    i2c_generic_scl_recovery: (adapter: Ptr) => this.clockOut(adapter),
  };

  /** i2c_init_recovery(): an adapter whose way to recover is not complete has none. */
  init(adapter: Ptr): void {
    const { k } = this;
    const type = k.struct('i2c_bus_recovery_info');
    const info = this.infoOf(adapter);
    if (info === 0) return;
    const has = (member: string): boolean => type.get(info, member) !== 0;
    if (!has('recover_bus')) this.drop(adapter);
    else if (type.get(info, 'recover_bus') !== k.fn('i2c_generic_scl_recovery')) return;
    else if (!has('set_scl') || !has('get_scl')) this.drop(adapter, 'no {get|set}_scl() found');
    else if (!has('set_sda') && !has('get_sda')) this.drop(adapter, 'either get_sda() or set_sda() needed');
  }

  private drop(adapter: Ptr, why?: string): void {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    type.set(adapter, 'bus_recovery_info', 0);
    if (why === undefined) return;
    const device = type.addr(adapter, 'dev');
    k.get(DevicePrintk).device(device, LOGLEVEL_ERR, `Not using recovery: ${why}\n`);
  }

  private infoOf(adapter: Ptr): Ptr {
    return this.k.struct('i2c_adapter').get(adapter, 'bus_recovery_info');
  }

  private *recover(adapter: Ptr): Sleepable<number> {
    const info = this.infoOf(adapter);
    if (info === 0) return -EBUSY;
    return yield* this.k.struct('i2c_bus_recovery_info').call(info, 'recover_bus', adapter);
  }

  /** Pulses the clock, each with a stop condition, until the data line is free. */
  private *clockOut(adapter: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_bus_recovery_info');
    const info = this.infoOf(adapter);
    const tell = function* (member: string, ...values: number[]): Sleepable<void> {
      if (type.get(info, member) !== 0) yield* type.call(info, member, adapter, ...values);
    };
    yield* tell('prepare_recovery');
    yield* tell('set_scl', 1);
    yield* tell('set_sda', 1);
    let result = 0;
    for (let level = 1, i = 0; i < 2 * CLOCKS; i++) {
      if (level === 1 && (yield* type.call(info, 'get_scl', adapter)) === 0) {
        const device = k.struct('i2c_adapter').addr(adapter, 'dev');
        k.get(DevicePrintk).device(device, LOGLEVEL_ERR, 'SCL is stuck low, exit recovery\n');
        result = -EBUSY;
        break;
      }
      level = 1 - level;
      yield* tell('set_scl', level);
      yield* tell('set_sda', level);
      if (level === 0) continue;
      result = yield* this.isFree(adapter, info);
      if (result === 0) break;
    }
    yield* tell('unprepare_recovery');
    return result === -EOPNOTSUPP ? 0 : result;
  }

  private *isFree(adapter: Ptr, info: Ptr): Sleepable<number> {
    const type = this.k.struct('i2c_bus_recovery_info');
    const member = ['get_bus_free', 'get_sda'].find((name) => type.get(info, name) !== 0);
    if (member === undefined) return -EOPNOTSUPP;
    const free = yield* type.call(info, member, adapter);
    if (free < 0) return free;
    return free === 0 ? -EBUSY : 0;
  }
}
