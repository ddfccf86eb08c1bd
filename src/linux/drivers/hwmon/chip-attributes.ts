import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';

/** Files that are not called as their enumerators are (Documentation/hwmon/sysfs-interface.rst); the others are `TYPE1_ATTRIBUTE`. */
const FILE_NAMES: Readonly<Record<string, string>> = {
  pwm_input: '',
  power_average_interval_max: 'interval_max',
  power_average_interval_min: 'interval_min',
};

/** A flag of chips, not an attribute: their temperatures are thermal zones where firmware describes such. */
const NO_FILE = 'register_tz';

/** Channels of these are counted from 0. */
const FROM_ZERO = new Set(['in', 'intrusion']);

const READABLE = 0o444;
const WRITABLE = 0o222;

/** A file of a sensor. */
export interface SensorFile {
  readonly name: string;
  readonly mode: number;
  readonly show: () => Sleepable<string | number>;
  /** Takes a value that was read from text. */
  readonly store: (value: number) => Sleepable<number>;
}

/** The sensors of a chip that describes them: struct hwmon_chip_info and the operations that it has. */
export class ChipAttributes {
  constructor(private readonly k: LinuxKernel) {}

  /**
   * The files of a chip's sensors that its driver wants seen, channel by channel; -EINVAL where it describes what is not there, or has
   * no operation to read or write it by.
   */
  *filesOf(chip: Ptr, data: Ptr, deviceOf: () => Ptr): Sleepable<readonly SensorFile[] | number> {
    const files: SensorFile[] = [];
    for (const [type, config] of this.channels(chip)) {
      const known = this.attributesOf(type);
      for (const [channel, bits] of config.entries()) {
        for (let attribute = 0; attribute < 32; attribute++) {
          if ((bits & (1 << attribute)) === 0) continue;
          const name = known.get(attribute);
          if (name === undefined) return -EINVAL;
          if (name === NO_FILE) continue;
          const mode = yield* this.modeOf(chip, data, type, attribute, channel);
          if (mode === 0) continue;
          if (!this.canServe(chip, mode, name)) return -EINVAL;
          files.push(this.file(chip, type, name, attribute, channel, mode, deviceOf));
        }
      }
    }
    return files;
  }

  /** Whether a chip says what it has and how to ask for it. */
  isComplete(chip: Ptr): boolean {
    const ops = this.ops(chip);
    if (ops === 0 || this.k.struct('hwmon_chip_info').get(chip, 'info') === 0) return false;
    return this.fixedMode(chip) !== 0 || this.operations.get(ops, 'is_visible') !== 0;
  }

  /** The mode of all files of a chip, in kernels in which one may be given; 0 where each is asked for. */
  private fixedMode(chip: Ptr): number {
    const { operations } = this;
    return operations.has('visible') ? operations.get(this.ops(chip), 'visible') : 0;
  }

  private get operations(): StructType {
    return this.k.struct('hwmon_ops');
  }

  /** The name of a sensor's file; undefined where there is no such attribute. */
  nameOf(type: number, attribute: number, channel: number): string | undefined {
    const name = this.attributesOf(type).get(attribute);
    return name === undefined || name === NO_FILE ? undefined : this.fileName(type, name, channel);
  }

  /** Types with the bits of each of their channels. */
  private *channels(chip: Ptr): Generator<readonly [type: number, config: readonly number[]]> {
    const { space } = this.k;
    const channel = this.k.struct('hwmon_channel_info');
    let at = this.k.struct('hwmon_chip_info').get(chip, 'info');
    for (let info = space.loadPtr(at); info !== 0; at += 8, info = space.loadPtr(at)) {
      const config: number[] = [];
      for (let word = channel.get(info, 'config'); space.load32(word) !== 0; word += 4)
        config.push(space.load32(word));
      yield [channel.get(info, 'type'), config];
    }
  }

  private *modeOf(chip: Ptr, data: Ptr, type: number, attribute: number, channel: number): Sleepable<number> {
    const fixed = this.fixedMode(chip);
    if (fixed !== 0) return fixed;
    return yield* this.operations.call(this.ops(chip), 'is_visible', data, type, attribute, channel);
  }

  private canServe(chip: Ptr, mode: number, name: string): boolean {
    const ops = this.ops(chip);
    const type = this.k.struct('hwmon_ops');
    const reads = name === 'label' ? 'read_string' : 'read';
    if (mode & READABLE && type.get(ops, reads) === 0) return false;
    return (mode & WRITABLE) === 0 || type.get(ops, 'write') !== 0;
  }

  private file(
    chip: Ptr,
    type: number,
    name: string,
    attribute: number,
    channel: number,
    mode: number,
    deviceOf: () => Ptr,
  ): SensorFile {
    const { k } = this;
    const ops = this.ops(chip);
    const operations = k.struct('hwmon_ops');
    const asks = name === 'label' ? 'read_string' : 'read';
    const text = (slot: Ptr): string =>
      name === 'label' ? k.space.cstring(k.space.loadPtr(slot)) : String(k.space.loadS64(slot));
    return {
      name: this.fileName(type, name, channel),
      mode,
      show: () =>
        withLocals(k, 8, function* (slot) {
          const error = yield* operations.call(ops, asks, deviceOf(), type, attribute, channel, slot);
          return error < 0 ? error : `${text(slot)}\n`;
        }),
      store: (value) => operations.call(ops, 'write', deviceOf(), type, attribute, channel, value),
    };
  }

  private fileName(type: number, name: string, channel: number): string {
    const sensor = this.sensorOf(type);
    if (sensor === 'chip') return name;
    const rest = FILE_NAMES[`${sensor}_${name}`] ?? name;
    const number = `${sensor}${channel + (FROM_ZERO.has(sensor) ? 0 : 1)}`;
    return rest === '' ? number : `${number}_${rest}`;
  }

  /** Names of a type's attributes by number: what stands after `hwmon_TYPE_` in its enumerators. */
  private attributesOf(type: number): ReadonlyMap<number, string> {
    const sensor = this.sensorOf(type);
    const prefix = `hwmon_${sensor}_`;
    const values = this.k.target.types.enumValues(`${prefix}attributes`);
    const names = [...values].map(([name, value]) => [Number(value), name.slice(prefix.length)] as const);
    return new Map(names);
  }

  private sensorOf(type: number): string {
    const types = this.k.target.types.enumValues('hwmon_sensor_types');
    const named = [...types].find(([, value]) => value === type)?.[0] ?? '';
    return named.slice('hwmon_'.length);
  }

  private ops(chip: Ptr): Ptr {
    return this.k.struct('hwmon_chip_info').get(chip, 'ops');
  }
}
