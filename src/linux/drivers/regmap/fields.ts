import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';
import { RegmapMaking } from './making.js';
import type { RegisterMap } from './register-map.js';
import { Regmaps } from './regmap.js';

/** A field, as struct regmap_field has it. */
interface Field {
  readonly map: RegisterMap;
  readonly register: number;
  readonly mask: number;
  readonly shift: number;
  readonly ids: number;
  readonly idOffset: number;
}

/** Bits of registers that have names of their own (include/linux/regmap.h). */
export class RegmapFields implements Subsystem {
  static readonly builtIn = 'CONFIG_REGMAP';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    // The description is passed by value, on the stack.
    regmap_field_alloc: (map: Ptr) =>
      this.allocate(map, this.k.convention.stackArguments, (size) => this.plain(size)),
    devm_regmap_field_alloc: (device: Ptr, map: Ptr) =>
      this.allocate(map, this.k.convention.stackArguments, (size) => this.ofDevice(device, size)),
    regmap_field_free: (field: Ptr) => void this.k.slab.free(field),
    devm_regmap_field_free: (device: Ptr, field: Ptr) => this.k.get(Devres).kfree(device, field),
    regmap_field_bulk_alloc: (map: Ptr, fields: Ptr, descriptions: Ptr, count: number) =>
      this.allocateMany(map, fields, descriptions, count, (size) => this.plain(size)),
    devm_regmap_field_bulk_alloc: (device: Ptr, map: Ptr, fields: Ptr, descriptions: Ptr, count: number) =>
      this.allocateMany(map, fields, descriptions, count, (size) => this.ofDevice(device, size)),
    regmap_field_bulk_free: (fields: Ptr) => void this.k.slab.free(fields),
    devm_regmap_field_bulk_free: (device: Ptr, fields: Ptr) => this.k.get(Devres).kfree(device, fields),
    regmap_field_read: (field: Ptr, value: Ptr) => this.read(this.of(field), 0, value),
    regmap_fields_read: (field: Ptr, id: number, value: Ptr) => this.ofId(this.of(field), id, value),
    regmap_field_update_bits_base: (
      field: Ptr,
      mask: number,
      value: number,
      changed: Ptr,
      _async: boolean,
      force: boolean,
    ) => this.update(this.of(field), 0, mask, value, changed, force),
    regmap_fields_update_bits_base: (
      field: Ptr,
      id: number,
      mask: number,
      value: number,
      changed: Ptr,
      _async: boolean,
      force: boolean,
    ) => this.updateOfId(this.of(field), id, mask, value, changed, force),
    regmap_field_test_bits: (field: Ptr, bits: number) => this.test(this.of(field), bits),
  };

  readonly signatures = { regmap_field_alloc: 'p:p', devm_regmap_field_alloc: 'p:pp' };

  private plain(size: number): Ptr {
    return this.k.slab.allocateBytes(size, true);
  }

  private ofDevice(device: Ptr, size: number): Ptr {
    const memory = this.k.get(Devres).kmalloc(device, size, 0);
    if (memory !== 0) this.k.space.writable(memory, size).fill(0);
    return memory;
  }

  private allocate(map: Ptr, description: Ptr, memory: (size: number) => Ptr): Ptr {
    const field = memory(this.k.sizeOf('regmap_field'));
    if (field === 0) return errPtr(ENOMEM);
    this.init(field, map, description);
    return field;
  }

  private allocateMany(
    map: Ptr,
    fields: Ptr,
    descriptions: Ptr,
    count: number,
    memory: (size: number) => Ptr,
  ): number {
    const { k } = this;
    const size = k.sizeOf('regmap_field');
    const all = memory(size * count);
    if (all === 0) return -ENOMEM;
    for (let i = 0; i < count; i++) {
      this.init(all + i * size, map, descriptions + i * k.sizeOf('reg_field'));
      k.space.storePtr(fields + 8 * i, all + i * size);
    }
    return 0;
  }

  private init(field: Ptr, map: Ptr, description: Ptr): void {
    const type = this.k.struct('regmap_field');
    const from = this.k.struct('reg_field');
    const [low, high] = [from.get(description, 'lsb'), from.get(description, 'msb')];
    const mask = ((2n << BigInt(high)) - (1n << BigInt(low))) & 0xffff_ffffn;
    type.set(field, 'regmap', map);
    type.set(field, 'mask', Number(mask));
    type.set(field, 'shift', low);
    for (const member of ['reg', 'id_size', 'id_offset'] as const)
      type.set(field, member, from.get(description, member));
  }

  private of(field: Ptr): Field {
    const type = this.k.struct('regmap_field');
    const get = (member: string): number => type.get(field, member);
    return {
      map: this.k.get(RegmapMaking).of(get('regmap')),
      register: get('reg'),
      mask: get('mask'),
      shift: get('shift'),
      ids: get('id_size'),
      idOffset: get('id_offset'),
    };
  }

  private *read({ map, register, mask, shift, idOffset }: Field, id: number, value: Ptr): Sleepable<number> {
    const result = yield* map.locked(() => map.read(register + id * idOffset));
    if ('error' in result) return result.error;
    this.k.space.store32(value, ((result.value & mask) >>> shift) >>> 0);
    return 0;
  }

  private *ofId(field: Field, id: number, value: Ptr): Sleepable<number> {
    return id >= field.ids ? -EINVAL : yield* this.read(field, id, value);
  }

  private *update(
    { map, register, mask: all, shift, idOffset }: Field,
    id: number,
    mask: number,
    value: number,
    changed: Ptr,
    force: boolean,
  ): Sleepable<number> {
    const bits = ((mask << shift) & all) >>> 0;
    return yield* this.k
      .get(Regmaps)
      .update(map, register + id * idOffset, bits, (value << shift) >>> 0, changed, force);
  }

  private *updateOfId(
    field: Field,
    id: number,
    mask: number,
    value: number,
    changed: Ptr,
    force: boolean,
  ): Sleepable<number> {
    return id >= field.ids ? -EINVAL : yield* this.update(field, id, mask, value, changed, force);
  }

  private *test({ map, register, mask, shift }: Field, bits: number): Sleepable<number> {
    const result = yield* map.locked(() => map.read(register));
    if ('error' in result) return result.error;
    const value = ((result.value & mask) >>> shift) >>> 0;
    return Number((value & bits) >>> 0 === bits);
  }
}
