import { I2cAdapters } from '../../src/linux/drivers/i2c/i2c-adapter.js';
import { I2cBus } from '../../src/linux/drivers/i2c/i2c-bus.js';
import { I2cClients } from '../../src/linux/drivers/i2c/i2c-client.js';
import { I2cDetection } from '../../src/linux/drivers/i2c/i2c-detect.js';
import type { Machine } from '../../src/machine/linux/machine.js';
import type { Attempt, Contents } from './learning.js';
import { RegisterBank } from './register-bank.js';

const BUS = 0;

/** A driver's own search for its chips (its `detect` function), over a bank of registers at the first address that it looks at. */
export class DetectionTrial {
  private constructor(
    private readonly machine: Machine,
    private readonly adapter: number,
    private readonly driver: number,
    private readonly address: number,
    private readonly bank: RegisterBank,
  ) {}

  /** Of the driver of the client at an address, whose bank is `bank`; undefined where it searches for nothing. The client is gone then. */
  static of(machine: Machine, bank: RegisterBank, at: number): DetectionTrial | undefined {
    const { kernel: k } = machine;
    const adapter = k.get(I2cAdapters).numbered(BUS);
    const client = adapter === undefined ? undefined : k.get(I2cClients).at(adapter, at);
    if (adapter === undefined || client === undefined) return undefined;
    const type = k.struct('i2c_driver');
    const driver = k.get(I2cBus).bus.driverFor(k.struct('i2c_client').addr(client, 'dev'));
    const addresses = type.get(driver, 'address_list');
    if (type.get(driver, 'detect') === 0 || addresses === 0) return undefined;
    k.struct('i2c_adapter').set(adapter, 'class', type.get(driver, 'class'));
    const remove = (address: number): void => {
      const made = k.get(I2cClients).at(adapter, address);
      if (made !== undefined) machine.perform('remove', () => k.get(I2cClients).remove(made));
    };
    remove(at);
    const address = k.space.load16(addresses);
    if (address === at) return new DetectionTrial(machine, adapter, driver, address, bank);
    const other = new RegisterBank();
    machine.plug(other.model('unknown'), { bus: BUS, address });
    remove(address);
    return new DetectionTrial(machine, adapter, driver, address, other);
  }

  search(filler: number, contents: Contents): Attempt {
    const { machine, adapter, driver, address, bank } = this;
    const { kernel: k } = machine;
    bank.reset(filler, contents);
    const before = k.cpu.executed;
    machine.perform('detect', () => k.get(I2cDetection).newDriver(driver));
    const client = k.get(I2cClients).at(adapter, address);
    const bound = client !== undefined && k.struct('i2c_client').get(client, 'dev.driver') !== 0;
    const attempt = {
      bound,
      reads: [...bank.reads],
      accesses: bank.accesses,
      executed: k.cpu.executed - before,
    };
    if (client !== undefined) machine.perform('forget', () => k.get(I2cDetection).forget({ driver }));
    return attempt;
  }
}
