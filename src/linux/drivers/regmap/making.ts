import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { PREEMPT_OFFSET } from '../../abi/preempt-count.js';
import { EINVAL, ENODEV, ENOMEM, ENOTSUPP } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import { Spinlocks } from '../../locking/spinlock.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';
import { WireFormat } from './format.js';
import { busTransport, functionTransport, orderOf } from './guest-transport.js';
import { i2cTransport } from './i2c-transport.js';
import { RegisterAccess } from './register-access.js';
import { RegisterCache } from './register-cache.js';
import { RegisterMap, type RegisterMapParts, type RegisterWindow } from './register-map.js';
import type { Transport } from './transport.js';

/** Making register maps, and finding those that devices have (drivers/base/regmap/regmap.c). */
export class RegmapMaking implements Subsystem {
  static readonly builtIn = 'CONFIG_REGMAP';

  private readonly maps = new Map<Ptr, RegisterMap>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __regmap_init: (device: Ptr, bus: Ptr, context: Ptr, config: Ptr) =>
      this.onBus(device, bus, context, config),
    __devm_regmap_init: (device: Ptr, bus: Ptr, context: Ptr, config: Ptr) =>
      this.managed(device, this.onBus(device, bus, context, config)),
    __regmap_init_i2c: (client: Ptr, config: Ptr) => this.onI2c(client, config),
    __devm_regmap_init_i2c: (client: Ptr, config: Ptr) =>
      this.managed(this.deviceOf(client), this.onI2c(client, config)),
    regmap_exit: (map: Ptr) => this.exit(map),
    regmap_attach_dev: (device: Ptr, map: Ptr, config: Ptr) => this.attach(device, map, config),
    regmap_reinit_cache: (map: Ptr, config: Ptr) => this.reinitCache(map, config),
    dev_get_regmap: (device: Ptr, name: Ptr) => this.find(device, name),
    regmap_get_val_endian: (_device: Ptr, bus: Ptr, config: Ptr) => this.valueOrder(bus, config),
  };

  /** Throws for what is no map: a bug of who calls, which the kernel would not notice. */
  of(map: Ptr): RegisterMap {
    const found = this.maps.get(map);
    if (!found) throw new RangeError(`0x${map.toString(16)} is no register map`);
    return found;
  }

  private deviceOf(client: Ptr): Ptr {
    return this.k.struct('i2c_client').addr(client, 'dev');
  }

  private *managed(device: Ptr, make: Sleepable<Ptr>): Sleepable<Ptr> {
    const map = yield* make;
    if (!isErr(map)) this.k.get(Devres).addHost(device, map, () => this.exit(map));
    return map;
  }

  private *onBus(device: Ptr, bus: Ptr, context: Ptr, config: Ptr): Sleepable<Ptr> {
    const { k } = this;
    if (config === 0) return errPtr(EINVAL);
    const transport = bus === 0 ? functionTransport(k, config, context) : busTransport(k, bus, context);
    return yield* this.make(device, transport, config);
  }

  private *onI2c(client: Ptr, config: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('regmap_config');
    const [register, value, endian] = ['reg_bits', 'val_bits', 'val_format_endian'].map((name) =>
      type.get(config, name),
    );
    const littleEndian = endian === k.enumValue('REGMAP_ENDIAN_LITTLE');
    const transport = yield* i2cTransport(k, client, { register, value, littleEndian });
    return transport ? yield* this.make(this.deviceOf(client), transport, config) : errPtr(ENOTSUPP);
  }

  /** __regmap_init() */
  private *make(device: Ptr, transport: Transport, config: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('regmap_config');
    const number = (name: string): number => (type.has(name) ? type.get(config, name) : 0);
    const format = this.format(transport, config);
    const wired = transport.raw !== undefined;
    if (wired && !format.isValid) return errPtr(EINVAL);
    const windows = this.windows(config, number('max_register'));
    if (!windows) return errPtr(EINVAL);
    const at = k.slab.allocateBytes(k.sizeOf('regmap'), true);
    if (at === 0) return errPtr(ENOMEM);
    const map = new RegisterMap(
      k,
      {
        device,
        name: type.string(config, 'name'),
        transport,
        format,
        access: new RegisterAccess(k, device, config),
        maxRegister: number('max_register'),
        stride: number('reg_stride') || 1,
        base: number('reg_base'),
        downshift: number('reg_downshift'),
        windows,
        singleRead: number('use_single_read') !== 0,
        singleWrite: number('use_single_write') !== 0 || format.isShared,
        ...this.locking(at, transport, config),
      },
      undefined,
      new RegisterAccess(k, device, config),
    );
    this.maps.set(at, map);
    const error = yield* this.initCache(map, config);
    if (error === 0) return at;
    yield* this.exit(at);
    return errPtr(-error);
  }

  private format(transport: Transport, config: Ptr): WireFormat {
    const { k } = this;
    const type = k.struct('regmap_config');
    const masks = ['read_flag_mask', 'write_flag_mask', 'zero_flag_mask'].map((name) =>
      type.get(config, name),
    );
    const [readMask, writeMask] = masks.some((mask) => mask !== 0) ? masks : [transport.readMask, 0];
    const order = (name: string) => orderOf(k, type.get(config, name));
    return new WireFormat({
      registerBits: type.get(config, 'reg_bits'),
      valueBits: type.get(config, 'val_bits'),
      padBits: type.get(config, 'pad_bits'),
      registerOrder: order('reg_format_endian') ?? transport.registerOrder ?? 'big',
      valueOrder: order('val_format_endian') ?? transport.valueOrder ?? 'big',
      readMask,
      writeMask,
    });
  }

  /** Undefined where one is not possible. */
  private windows(config: Ptr, maxRegister: number): readonly RegisterWindow[] | undefined {
    const { k } = this;
    const type = k.struct('regmap_range_cfg');
    const configType = k.struct('regmap_config');
    const first = configType.get(config, 'ranges');
    const windows = Array.from({ length: configType.get(config, 'num_ranges') }, (_, i): RegisterWindow => {
      const get = (name: string): number => type.get(first + i * type.size, name);
      return {
        first: get('range_min'),
        last: get('range_max'),
        selector: get('selector_reg'),
        mask: get('selector_mask'),
        shift: get('selector_shift'),
        start: get('window_start'),
        length: get('window_len'),
      };
    });
    const possible = windows.every(
      (one) =>
        one.last >= one.first && one.last <= maxRegister && one.selector <= maxRegister && one.length > 0,
    );
    return possible ? windows : undefined;
  }

  /** Whose lock it is: the user's own, none, or one of the map's own that fits how the bus is accessed. */
  private locking(at: Ptr, transport: Transport, config: Ptr): Pick<RegisterMapParts, 'lock' | 'unlock'> {
    const { k } = this;
    const type = k.struct('regmap_config');
    const [lock, unlock, argument] = ['lock', 'unlock', 'lock_arg'].map((name) => type.get(config, name));
    if (type.get(config, 'disable_locking') !== 0) return { lock: notAtAll, unlock: notAtAll };
    const call = function* (fn: Ptr): Sleepable<void> {
      yield* k.callAs('v:p', fn, argument);
    };
    if (lock !== 0 && unlock !== 0) return { lock: () => call(lock), unlock: () => call(unlock) };
    const isFast = transport.isFast || type.get(config, 'fast_io') !== 0;
    return isFast ? this.spinning(at) : this.sleeping(at);
  }

  private spinning(at: Ptr): Pick<RegisterMapParts, 'lock' | 'unlock'> {
    const spinlocks = this.k.get(Spinlocks);
    const lock = this.k.struct('regmap').addr(at, 'spinlock');
    return {
      lock() {
        spinlocks.lock(lock, PREEMPT_OFFSET);
        return undefined;
      },
      unlock() {
        spinlocks.unlock(lock, PREEMPT_OFFSET);
        return undefined;
      },
    };
  }

  private sleeping(at: Ptr): Pick<RegisterMapParts, 'lock' | 'unlock'> {
    const mutexes = this.k.get(Mutexes);
    const mutex = this.k.struct('regmap').addr(at, 'mutex');
    mutexes.init(mutex);
    return {
      *lock() {
        yield* mutexes.lock(mutex);
      },
      unlock() {
        mutexes.unlock(mutex);
        return undefined;
      },
    };
  }

  /** regcache_init() */
  private *initCache(map: RegisterMap, config: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('regmap_config');
    const kind = type.get(config, 'cache_type');
    if (kind === k.enumValue('REGCACHE_NONE')) return 0;
    const listed = this.listedDefaults(config);
    const raw = listed.length > 0 ? listed : yield* this.rawDefaults(map, config);
    if (typeof raw === 'number') return raw;
    const count = type.get(config, 'num_reg_defaults_raw');
    if (map.maxRegister === 0) map.maxRegister = count;
    map.cache = new RegisterCache(kind === k.enumValue('REGCACHE_FLAT') ? 'flat' : 'sparse', raw);
    map.cacheBypass = false;
    return 0;
  }

  private listedDefaults(config: Ptr): (readonly [register: number, value: number])[] {
    const { k } = this;
    const type = k.struct('regmap_config');
    const entry = k.struct('reg_default');
    const first = type.get(config, 'reg_defaults');
    if (first === 0) return [];
    return Array.from({ length: type.get(config, 'num_reg_defaults') }, (_, i) => {
      const at = first + i * entry.size;
      return [entry.get(at, 'reg'), entry.get(at, 'def')] as const;
    });
  }

  /** Values at power-on as an array, or as the hardware has them now where only their number is known. */
  private *rawDefaults(
    map: RegisterMap,
    config: Ptr,
  ): Sleepable<(readonly [register: number, value: number])[] | number> {
    const { k } = this;
    const type = k.struct('regmap_config');
    const count = type.get(config, 'num_reg_defaults_raw');
    const values = type.get(config, 'reg_defaults_raw');
    const found: (readonly [register: number, value: number])[] = [];
    for (let i = 0; i < count; i++) {
      const register = map.behind(0, i);
      if (!(yield* map.isReadable(register)) || (yield* map.access.is('volatile', register, false))) continue;
      const result =
        values === 0
          ? yield* map.read(register)
          : { value: map.parts.format.parse(k.space.readable(values + i * map.valueBytes, map.valueBytes)) };
      if ('error' in result) return result.error;
      found.push([register, result.value]);
    }
    return found;
  }

  private *reinitCache(at: Ptr, config: Ptr): Sleepable<number> {
    const map = this.of(at);
    map.cache = undefined;
    map.cacheOnly = false;
    map.cacheBypass = true;
    map.maxRegister = this.k.struct('regmap_config').get(config, 'max_register');
    map.access = new RegisterAccess(this.k, map.parts.device, config);
    return yield* this.initCache(map, config);
  }

  /** regmap_exit() */
  private *exit(at: Ptr): Sleepable<void> {
    const map = this.of(at);
    this.maps.delete(at);
    yield* this.k.wait(map.parts.transport.free());
    this.k.slab.free(at);
  }

  private attach(device: Ptr, at: Ptr, config: Ptr): number {
    const map = this.of(at);
    const name = this.k.struct('regmap_config').string(config, 'name');
    this.maps.set(at, new RegisterMap(this.k, { ...map.parts, device, name }, map.cache, map.access));
    return device === 0 ? -ENODEV : 0;
  }

  /** dev_get_regmap(): the first that a device has, or the one of a name. */
  private find(device: Ptr, name: Ptr): Ptr {
    const wanted = name === 0 ? undefined : this.k.space.cstring(name);
    for (const [at, { parts }] of this.maps)
      if (parts.device === device && (wanted === undefined || parts.name === wanted)) return at;
    return 0;
  }

  private valueOrder(bus: Ptr, config: Ptr): number {
    const { k } = this;
    const [own, standard, big] = [
      k.struct('regmap_config').get(config, 'val_format_endian'),
      k.enumValue('REGMAP_ENDIAN_DEFAULT'),
      k.enumValue('REGMAP_ENDIAN_BIG'),
    ];
    if (own !== standard) return own;
    const ofBus = bus === 0 ? standard : k.struct('regmap_bus').get(bus, 'val_format_endian_default');
    return ofBus === standard ? big : ofBus;
  }
}

const notAtAll = (): undefined => undefined;
