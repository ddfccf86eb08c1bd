import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { EAGAIN, EINVAL, ENOENT } from '../errno.js';
import { errPtr, isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoTypes } from './frontends.js';
import { CryptoTfms } from './tfm.js';
import { INHERITED_FLAGS } from './types.js';

/** grab functions of each kind, by the symbol of its struct crypto_type. */
const KINDS: Readonly<Record<string, string>> = {
  crypto_grab_skcipher: 'crypto_skcipher_type',
  crypto_grab_aead: 'crypto_aead_type',
  crypto_grab_shash: 'crypto_shash_type',
  crypto_grab_ahash: 'crypto_ahash_type',
  crypto_grab_akcipher: 'crypto_akcipher_type',
  crypto_grab_kpp: 'crypto_kpp_type',
};

/**
 * Spawns: the algorithms that an instance of a template is built on (crypto/algapi.c). A spawn holds a reference
 * until its instance is registered; from then on the algorithm may go, and takes the instance with it.
 */
export class CryptoSpawns implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_grab_spawn: (spawn: Ptr, instance: Ptr, name: Ptr, type: number, mask: number) =>
      this.grab(spawn, instance, name, type, mask),
    crypto_drop_spawn: (spawn: Ptr) => this.drop(spawn),
    crypto_spawn_tfm: (spawn: Ptr, type: number, mask: number) => this.transform(spawn, type, mask),
    crypto_spawn_tfm2: (spawn: Ptr) => this.transformOfKind(spawn),
    ...Object.fromEntries(
      Object.entries(KINDS).map(([name, symbol]) => [
        name,
        (spawn: Ptr, instance: Ptr, alg: Ptr, type: number, mask: number) =>
          this.grabKind(symbol, spawn, instance, alg, type, mask),
      ]),
    ),
  };

  /** For an instance that wants transformations of a kind: the symbol of its struct crypto_type. */
  grabKind(
    symbol: string,
    spawn: Ptr,
    instance: Ptr,
    name: Ptr,
    type: number,
    mask: number,
  ): Sleepable<number> {
    this.k.struct('crypto_spawn').set(spawn, 'frontend', this.k.get(CryptoTypes).of(symbol));
    return this.grab(spawn, instance, name, type, mask);
  }

  /** Finds the algorithm of a name for an instance that is being made. */
  *grab(spawn: Ptr, instance: Ptr, name: Ptr, type: number, mask: number): Sleepable<number> {
    const { k } = this;
    if (instance === 0) return -EINVAL;
    if (isErr(name)) return ptrErr(name);
    const view = k.struct('crypto_spawn');
    const wanted = k.get(CryptoTypes).narrow(view.get(spawn, 'frontend'), type, mask);
    const alg = yield* k.get(CryptoApi).find(k.space.cstring(name), wanted.type, wanted.mask);
    if (alg === 0) return -ENOENT;
    const algorithm = k.struct('crypto_alg');
    list.add(k.space, view.addr(spawn, 'list'), algorithm.addr(alg, 'cra_users'));
    view.set(spawn, 'alg', alg);
    view.set(spawn, 'mask', wanted.mask);
    const instances = k.struct('crypto_instance');
    view.set(spawn, 'next', instances.get(instance, 'spawns'));
    instances.set(instance, 'spawns', spawn);
    const own = instances.addr(instance, 'alg');
    const inherited = algorithm.get(alg, 'cra_flags') & INHERITED_FLAGS;
    algorithm.set(own, 'cra_flags', algorithm.get(own, 'cra_flags') | inherited);
    return 0;
  }

  drop(spawn: Ptr): void {
    const { k } = this;
    const view = k.struct('crypto_spawn');
    const alg = view.get(spawn, 'alg');
    if (alg === 0) return;
    if (view.get(spawn, 'dead') === 0) list.del(k.space, view.addr(spawn, 'list'));
    if (view.get(spawn, 'registered') === 0) k.get(CryptoApi).put(alg);
  }

  /** A transformation of the spawn's algorithm, of its own kind. */
  *transform(spawn: Ptr, type: number, mask: number): Sleepable<Ptr> {
    const alg = this.take(spawn);
    if (isErr(alg)) return alg;
    const flags = this.k.struct('crypto_alg').get(alg, 'cra_flags');
    return yield* this.make(alg, (flags ^ type) & mask ? undefined : 0);
  }

  /** A transformation of the spawn's algorithm, of the kind for which it was grabbed. */
  *transformOfKind(spawn: Ptr): Sleepable<Ptr> {
    const alg = this.take(spawn);
    if (isErr(alg)) return alg;
    return yield* this.make(alg, this.k.struct('crypto_spawn').get(spawn, 'frontend'));
  }

  /** The spawn's algorithm, with a reference. */
  private take(spawn: Ptr): Ptr {
    const view = this.k.struct('crypto_spawn');
    const alg = view.get(spawn, 'alg');
    return view.get(spawn, 'dead') !== 0 || !this.k.get(CryptoApi).get(alg) ? errPtr(EAGAIN) : alg;
  }

  private *make(alg: Ptr, cryptoType: Ptr | undefined): Sleepable<Ptr> {
    const { k } = this;
    const object =
      cryptoType === undefined ? errPtr(EINVAL) : yield* k.get(CryptoTfms).create(alg, cryptoType);
    if (isErr(object)) k.get(CryptoApi).put(alg);
    return object;
  }
}
