import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EOPNOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceProperties } from '../firmware/property.js';
import {
  I2C_ADDR_DEVICE_ID,
  I2C_FUNC_SMBUS_READ_I2C_BLOCK,
  I2C_SMBUS_DATA_BYTES,
  I2C_SMBUS_I2C_BLOCK_DATA,
  I2C_SMBUS_READ,
} from './i2c-flags.js';
import { I2cSmbus } from './i2c-smbus.js';
import { I2cTransfers } from './i2c-transfer.js';

const ID_BYTES = 3;

/** Frequencies and their modes, in Hz (UM10204). */
const STANDARD = 100_000;
const FAST = 400_000;
const MODES: ReadonlyMap<number, string> = new Map([
  [STANDARD, 'Standard Mode (100 kHz)'],
  [FAST, 'Fast Mode (400 kHz)'],
  [1_000_000, 'Fast Mode Plus (1.0 MHz)'],
  [1_400_000, 'Turbo Mode (1.4 MHz)'],
  [3_400_000, 'High Speed Mode (3.4 MHz)'],
  [5_000_000, 'Ultra Fast Mode (5.0 MHz)'],
]);

/** What chips say of themselves, and what firmware says of a bus's timing (drivers/i2c/i2c-core-base.c). */
export class I2cIdentity implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_get_device_id: (client: Ptr, identity: Ptr) => this.identify(client, identity),
    i2c_freq_mode_string: (frequency: number) =>
      this.k.constantString(MODES.get(frequency) ?? 'Unknown Mode'),
    i2c_parse_fw_timings: (device: Ptr, timings: Ptr, defaults: boolean) =>
      this.parseTimings(device, timings, defaults),
  };

  /** The three bytes that a chip gives at an address of their own: manufacturer, part, revision (UM10204, 3.1.17). */
  private *identify(client: Ptr, identity: Ptr): Sleepable<number> {
    const { k } = this;
    const adapter = k.struct('i2c_client').get(client, 'adapter');
    if (!(yield* k.get(I2cTransfers).can(adapter, I2C_FUNC_SMBUS_READ_I2C_BLOCK))) return -EOPNOTSUPP;
    const command = (k.struct('i2c_client').get(client, 'addr') << 1) & 0xff;
    const type = k.struct('i2c_device_identity');
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      k.space.store8(data, ID_BYTES);
      const status = yield* k
        .get(I2cSmbus)
        .transfer(adapter, I2C_ADDR_DEVICE_ID, 0, I2C_SMBUS_READ, command, I2C_SMBUS_I2C_BLOCK_DATA, data);
      if (status !== 0) return status;
      const [first, second, third] = [1, 2, 3].map((i) => k.space.load8(data + i));
      type.set(identity, 'manufacturer_id', (first << 4) | (second >> 4));
      type.set(identity, 'part_id', ((second & 0xf) << 5) | (third >> 3));
      type.set(identity, 'die_revision', third & 0x7);
      return 0;
    });
  }

  /** i2c_parse_fw_timings(): properties of a device; what is not there is what the specification allows, or stays as it was. */
  private parseTimings(device: Ptr, timings: Ptr, defaults: boolean): void {
    const type = this.k.struct('i2c_timings');
    const read = (property: string, member: string, otherwise: () => number): void => {
      const value = this.k.get(DeviceProperties).integer(device, property);
      if (value !== undefined) type.set(timings, member, value);
      else if (defaults) type.set(timings, member, otherwise());
    };
    const frequency = (): number => type.get(timings, 'bus_freq_hz');
    read('clock-frequency', 'bus_freq_hz', () => STANDARD);
    read('i2c-scl-rising-time-ns', 'scl_rise_ns', () => {
      if (frequency() <= STANDARD) return 1000;
      return frequency() <= FAST ? 300 : 120;
    });
    read('i2c-scl-falling-time-ns', 'scl_fall_ns', () => (frequency() <= FAST ? 300 : 120));
    read('i2c-scl-internal-delay-ns', 'scl_int_delay_ns', () => 0);
    read('i2c-sda-falling-time-ns', 'sda_fall_ns', () => type.get(timings, 'scl_fall_ns'));
    read('i2c-sda-hold-time-ns', 'sda_hold_ns', () => 0);
    read('i2c-digital-filter-width-ns', 'digital_filter_width_ns', () => 0);
    read('i2c-analog-filter-cutoff-frequency', 'analog_filter_cutoff_freq_hz', () => 0);
  }
}
