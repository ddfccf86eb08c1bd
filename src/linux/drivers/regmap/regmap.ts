import type { Ptr } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { RegmapMaking } from './making.js';
import { inRanges, inTable } from './register-access.js';
import type { RegisterMap } from './register-map.js';

const NOT_LATER = 'it is done before the call returns';

/** Register maps as drivers use them (drivers/base/regmap/regmap.c, include/linux/regmap.h). */
export class Regmaps implements Subsystem {
  static readonly builtIn = 'CONFIG_REGMAP';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    regmap_reg_in_ranges: (register: number, ranges: Ptr, count: number) =>
      inRanges(this.k, register, ranges, count),
    regmap_check_range_table: (_map: Ptr, register: number, table: Ptr) => inTable(this.k, register, table),
    regmap_get_device: (map: Ptr) => this.of(map).parts.device,
    regmap_get_val_bytes: (map: Ptr) => this.of(map).valueBytes,
    regmap_get_max_register: (map: Ptr) => this.of(map).maxRegister || -EINVAL,
    regmap_get_reg_stride: (map: Ptr) => this.of(map).parts.stride,
    regmap_get_raw_read_max: (map: Ptr) => this.of(map).parts.transport.maxRead,
    regmap_get_raw_write_max: (map: Ptr) => this.of(map).parts.transport.maxWrite,
    regmap_can_raw_write: (map: Ptr) => this.canWriteRaw(this.of(map)),
    regmap_parse_val: (map: Ptr, bytes: Ptr, value: Ptr) => this.parse(this.of(map), bytes, value),
    regmap_read: (map: Ptr, register: number, value: Ptr) => this.read(this.of(map), register, value),
    regmap_write: (map: Ptr, register: number, value: number) => this.write(this.of(map), register, value),
    regmap_write_async: partly(NOT_LATER, (map: Ptr, register: number, value: number) =>
      this.write(this.of(map), register, value),
    ),
    regmap_async_complete: nothing('nothing is written in the background', 0),
    regmap_update_bits_base: (
      map: Ptr,
      register: number,
      mask: number,
      value: number,
      changed: Ptr,
      _async: boolean,
      force: boolean,
    ) => this.update(this.of(map), register, mask, value, changed, force),
    regmap_test_bits: (map: Ptr, register: number, bits: number) => this.test(this.of(map), register, bits),
    regmap_raw_read: (map: Ptr, register: number, into: Ptr, bytes: number) =>
      this.rawRead(this.of(map), register, into, bytes),
    regmap_raw_write: (map: Ptr, register: number, from: Ptr, bytes: number) =>
      this.rawWrite(this.of(map), register, from, bytes),
    regmap_raw_write_async: partly(NOT_LATER, (map: Ptr, register: number, from: Ptr, bytes: number) =>
      this.rawWrite(this.of(map), register, from, bytes),
    ),
    regmap_noinc_read: (map: Ptr, register: number, into: Ptr, bytes: number) =>
      this.noincRead(this.of(map), register, into, bytes),
    regmap_noinc_write: (map: Ptr, register: number, from: Ptr, bytes: number) =>
      this.noincWrite(this.of(map), register, from, bytes),
    regmap_bulk_read: (map: Ptr, register: number, into: Ptr, count: number) =>
      this.bulkRead(this.of(map), register, into, count),
    regmap_bulk_write: (map: Ptr, register: number, from: Ptr, count: number) =>
      this.bulkWrite(this.of(map), register, from, count),
    regmap_multi_reg_write: (map: Ptr, sequence: Ptr, count: number) =>
      this.of(map).locked(() => this.writeSequence(this.of(map), sequence, count)),
    regmap_multi_reg_write_bypassed: (map: Ptr, sequence: Ptr, count: number) =>
      this.of(map).locked(() => this.bypassed(this.of(map), sequence, count)),
    regmap_register_patch: (map: Ptr, sequence: Ptr, count: number) =>
      this.of(map).locked(() => this.patch(this.of(map), sequence, count)),
  };

  private of(map: Ptr): RegisterMap {
    return this.k.get(RegmapMaking).of(map);
  }

  private canWriteRaw({ parts }: RegisterMap): boolean {
    return parts.transport.raw !== undefined && !parts.format.isShared;
  }

  private parse({ parts, valueBytes }: RegisterMap, bytes: Ptr, value: Ptr): number {
    if (parts.format.isShared) return -EINVAL;
    this.k.space.store32(value, parts.format.parse(this.k.space.readable(bytes, valueBytes)));
    return 0;
  }

  private *read(map: RegisterMap, register: number, value: Ptr): Sleepable<number> {
    if (!map.isAligned(register)) return -EINVAL;
    const result = yield* map.locked(() => map.read(register));
    if ('error' in result) return result.error;
    this.k.space.store32(value, result.value);
    return 0;
  }

  private *write(map: RegisterMap, register: number, value: number): Sleepable<number> {
    if (!map.isAligned(register)) return -EINVAL;
    return yield* map.locked(() => map.write(register, value));
  }

  /** regmap_update_bits_base(). `changed`: where to say so, or 0. */
  *update(
    map: RegisterMap,
    register: number,
    mask: number,
    value: number,
    changed: Ptr,
    force: boolean,
  ): Sleepable<number> {
    const done = yield* map.locked(() => map.update(register, mask, value, force));
    if (changed !== 0) this.k.space.store8(changed, Number(done.changed));
    return done.status;
  }

  private *test(map: RegisterMap, register: number, bits: number): Sleepable<number> {
    const result = yield* map.locked(() => map.read(register));
    if ('error' in result) return result.error;
    return Number((result.value & bits) >>> 0 === bits);
  }

  private *rawRead(map: RegisterMap, register: number, into: Ptr, bytes: number): Sleepable<number> {
    const { valueBytes } = map;
    const { format, transport } = map.parts;
    if (!transport.raw || bytes % valueBytes !== 0 || !map.isAligned(register) || bytes === 0) return -EINVAL;
    return yield* map.locked(() =>
      this.readBytes(map, register, into, bytes, (value) => format.value(value)),
    );
  }

  /** From the hardware where nothing of it is kept, else value by value, as `form` has each. */
  private *readBytes(
    map: RegisterMap,
    register: number,
    into: Ptr,
    bytes: number,
    form: (value: number) => readonly number[],
  ): Sleepable<number> {
    const { space } = this.k;
    const { valueBytes } = map;
    const count = bytes / valueBytes;
    if (map.cache === undefined || map.cacheBypass || (yield* map.areVolatile(register, count))) {
      const values = yield* map.readMany(register, bytes, false);
      if (typeof values === 'number') return values;
      space.writable(into, bytes).set(values);
      return 0;
    }
    for (let i = 0; i < count; i++) {
      const result = yield* map.read(map.behind(register, i));
      if ('error' in result) return result.error;
      space.writable(into + i * valueBytes, valueBytes).set(form(result.value));
    }
    return 0;
  }

  private *rawWrite(map: RegisterMap, register: number, from: Ptr, bytes: number): Sleepable<number> {
    if (!this.canWriteRaw(map) || bytes % map.valueBytes !== 0) return -EINVAL;
    const values = this.k.space.readable(from, bytes).slice();
    return yield* map.locked(() => map.writeRaw(register, values, false));
  }

  private *noincRead(map: RegisterMap, register: number, into: Ptr, bytes: number): Sleepable<number> {
    const { k } = this;
    if (!map.parts.transport.raw) return -ENOTSUPP;
    if (bytes % map.valueBytes !== 0 || !map.isAligned(register) || bytes === 0) return -EINVAL;
    return yield* map.locked(function* () {
      const allowed =
        (yield* map.isVolatile(register)) && (yield* map.access.is('readable_noinc', register, true));
      if (!allowed) return -EINVAL;
      const values = yield* map.readMany(register, bytes, true);
      if (typeof values === 'number') return values;
      k.space.writable(into, bytes).set(values);
      return 0;
    });
  }

  private *noincWrite(map: RegisterMap, register: number, from: Ptr, bytes: number): Sleepable<number> {
    if (!map.parts.transport.raw) return -ENOTSUPP;
    if (bytes % map.valueBytes !== 0 || !map.isAligned(register) || bytes === 0) return -EINVAL;
    const values = this.k.space.readable(from, bytes).slice();
    return yield* map.locked(function* () {
      const allowed =
        (yield* map.isVolatile(register)) && (yield* map.access.is('writeable_noinc', register, true));
      return allowed ? yield* map.writeRaw(register, values, true) : -EINVAL;
    });
  }

  /** The bytes of a value in memory. */
  private inMemory(value: number, bytes: number): number[] {
    return Array.from({ length: bytes }, (_, i) => (i < 4 ? (value >>> (8 * i)) & 0xff : 0));
  }

  private *bulkRead(map: RegisterMap, register: number, into: Ptr, count: number): Sleepable<number> {
    const { valueBytes } = map;
    const { format, transport } = map.parts;
    if (!map.isAligned(register) || count === 0) return -EINVAL;
    const bytes = count * valueBytes;
    const { space } = this.k;
    const asWhole = transport.raw !== undefined && format.hasInPlace;
    return yield* map.locked(() =>
      asWhole
        ? this.bulkOfWire(map, register, into, bytes)
        : this.bulkOfEach(map, register, into, count, space),
    );
  }

  private *bulkOfWire(map: RegisterMap, register: number, into: Ptr, bytes: number): Sleepable<number> {
    const { space } = this.k;
    const error = yield* this.readBytes(map, register, into, bytes, (value) => map.parts.format.value(value));
    if (error === 0) map.parts.format.turn(space.writable(into, bytes));
    return error;
  }

  private *bulkOfEach(
    map: RegisterMap,
    register: number,
    into: Ptr,
    count: number,
    space: LinuxKernel['space'],
  ): Sleepable<number> {
    const { valueBytes } = map;
    for (let i = 0; i < count; i++) {
      const result = yield* map.read(map.behind(register, i));
      if ('error' in result) return result.error;
      space.writable(into + i * valueBytes, valueBytes).set(this.inMemory(result.value, valueBytes));
    }
    return 0;
  }

  private *bulkWrite(map: RegisterMap, register: number, from: Ptr, count: number): Sleepable<number> {
    const { valueBytes } = map;
    const { format, transport } = map.parts;
    if (!map.isAligned(register)) return -EINVAL;
    const values = this.k.space.readable(from, count * valueBytes).slice();
    if (transport.raw && format.hasInPlace)
      return yield* map.locked(() => map.writeRaw(register, format.turn(values), false));
    return yield* map.locked(function* () {
      for (let i = 0; i < count; i++) {
        const bytes = values.subarray(i * valueBytes, Math.min((i + 1) * valueBytes, i * valueBytes + 4));
        const value = [...bytes].reduceRight((all, byte) => all * 256 + byte, 0);
        const error = yield* map.write(map.behind(register, i), value);
        if (error) return error;
      }
      return 0;
    });
  }

  /** struct reg_sequence: registers in turn, each with a time to wait after it. */
  private *writeSequence(map: RegisterMap, sequence: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('reg_sequence');
    for (let i = 0; i < count; i++) {
      const at = sequence + i * type.size;
      const error = yield* map.write(type.get(at, 'reg'), type.get(at, 'def'));
      if (error) return error;
      const wait = type.get(at, 'delay_us');
      if (wait > 0) yield* this.k.get(Delays).sleep(wait * 1e3);
    }
    return 0;
  }

  private *bypassed(map: RegisterMap, sequence: Ptr, count: number): Sleepable<number> {
    const { cacheBypass } = map;
    map.cacheBypass = true;
    const error = yield* this.writeSequence(map, sequence, count);
    map.cacheBypass = cacheBypass;
    return error;
  }

  private *patch(map: RegisterMap, sequence: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('reg_sequence');
    if (count === 0) return 0;
    const added = Array.from({ length: count }, (_, i) => {
      const at = sequence + i * type.size;
      return [type.get(at, 'reg'), type.get(at, 'def')] as const;
    });
    map.patch = [...map.patch, ...added];
    return yield* this.bypassed(map, sequence, count);
  }
}
