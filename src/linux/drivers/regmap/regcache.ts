import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { RegmapMaking } from './making.js';
import type { RegisterMap } from './register-map.js';

const PLACE = 'drivers/base/regmap/regcache.c';

/** What register maps keep of registers, as drivers turn it on and off (drivers/base/regmap/regcache.c). */
export class Regcaches implements Subsystem {
  static readonly builtIn = 'CONFIG_REGMAP';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    regcache_sync: (map: Ptr) => this.sync(this.of(map)),
    regcache_sync_region: (map: Ptr, first: number, last: number) =>
      this.syncRegion(this.of(map), first, last),
    regcache_drop_region: (map: Ptr, first: number, last: number) => this.drop(this.of(map), first, last),
    regcache_cache_only: (map: Ptr, on: boolean) => this.only(this.of(map), on),
    regcache_cache_bypass: (map: Ptr, on: boolean) => this.bypass(this.of(map), on),
    regcache_mark_dirty: (map: Ptr) => this.markDirty(this.of(map)),
    regcache_reg_cached: (map: Ptr, register: number) => this.isCached(this.of(map), register),
  };

  private of(map: Ptr): RegisterMap {
    return this.k.get(RegmapMaking).of(map);
  }

  private *sync(map: RegisterMap): Sleepable<number> {
    const { cache } = map;
    if (!cache) {
      warn(this.k, '', PLACE, 'regcache_sync');
      return -EINVAL;
    }
    return yield* map.locked(function* () {
      const error = cache.isDirty ? yield* map.sync(0, map.maxRegister, true) : 0;
      if (error === 0) cache.isDirty = false;
      cache.skipsDefaults = false;
      return error;
    });
  }

  private *syncRegion(map: RegisterMap, first: number, last: number): Sleepable<number> {
    const { cache } = map;
    if (!cache) {
      warn(this.k, '', PLACE, 'regcache_sync_region');
      return -EINVAL;
    }
    return yield* map.locked(function* () {
      const error = cache.isDirty ? yield* map.sync(first, last, false) : 0;
      cache.skipsDefaults = false;
      return error;
    });
  }

  private *drop(map: RegisterMap, first: number, last: number): Sleepable<number> {
    const { cache } = map;
    if (!cache) return -EINVAL;
    return yield* map.locked(() => {
      cache.drop(first, last);
      return 0;
    });
  }

  private *only(map: RegisterMap, on: boolean): Sleepable<void> {
    if (on && map.cacheBypass) warn(this.k, '', PLACE, 'regcache_cache_only');
    yield* map.locked(() => {
      map.cacheOnly = on;
    });
  }

  private *bypass(map: RegisterMap, on: boolean): Sleepable<void> {
    if (on && map.cacheOnly) warn(this.k, '', PLACE, 'regcache_cache_bypass');
    yield* map.locked(() => {
      map.cacheBypass = on;
    });
  }

  private *markDirty(map: RegisterMap): Sleepable<void> {
    yield* map.locked(() => {
      if (!map.cache) return;
      map.cache.isDirty = true;
      map.cache.skipsDefaults = true;
    });
  }

  private *isCached(map: RegisterMap, register: number): Sleepable<boolean> {
    return yield* map.locked(() => map.cache?.has(register) ?? false);
  }
}
