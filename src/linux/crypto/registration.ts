import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoTypes } from './frontends.js';
import {
  HASH_MAX_DIGESTSIZE,
  HASH_MAX_STATESIZE,
  PAGE_EIGHTH,
  TYPE_AEAD,
  TYPE_AHASH,
  TYPE_AKCIPHER,
  TYPE_KPP,
  TYPE_MASK,
  TYPE_RNG,
  TYPE_SCOMPRESS,
  TYPE_SKCIPHER,
} from './types.js';

export interface Kind {
  readonly container: string;
  readonly type: number;
  /** Symbol of its struct crypto_type. */
  readonly typeSymbol: string;
  /** Sizes that may be at most an eighth of a page. */
  readonly limited: readonly string[];
}

export const SKCIPHER: Kind = {
  container: 'skcipher_alg',
  type: TYPE_SKCIPHER,
  typeSymbol: 'crypto_skcipher_type',
  limited: ['ivsize', 'chunksize', 'walksize'],
};
export const AEAD: Kind = {
  container: 'aead_alg',
  type: TYPE_AEAD,
  typeSymbol: 'crypto_aead_type',
  limited: ['ivsize', 'maxauthsize', 'chunksize'],
};
export const AHASH: Kind = {
  container: 'ahash_alg',
  type: TYPE_AHASH,
  typeSymbol: 'crypto_ahash_type',
  limited: [],
};
export const AKCIPHER: Kind = {
  container: 'akcipher_alg',
  type: TYPE_AKCIPHER,
  typeSymbol: 'crypto_akcipher_type',
  limited: [],
};
export const KPP: Kind = { container: 'kpp_alg', type: TYPE_KPP, typeSymbol: 'crypto_kpp_type', limited: [] };
const RNG: Kind = {
  container: 'rng_alg',
  type: TYPE_RNG,
  typeSymbol: 'crypto_rng_type',
  limited: ['seedsize'],
};
const SCOMP: Kind = {
  container: 'scomp_alg',
  type: TYPE_SCOMPRESS,
  typeSymbol: 'crypto_scomp_type',
  limited: [],
};

/** Registration of ciphers, AEADs, asynchronous hashes, public-key algorithms, generators. */
export class CryptoRegistration implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_register_skcipher: (alg: Ptr) => this.register(alg, SKCIPHER),
    crypto_unregister_skcipher: (alg: Ptr) => this.unregister(alg, SKCIPHER),
    crypto_register_skciphers: (algs: Ptr, count: number) => this.registerArray(algs, count, SKCIPHER),
    crypto_unregister_skciphers: (algs: Ptr, count: number) => this.unregisterArray(algs, count, SKCIPHER),
    crypto_register_aead: (alg: Ptr) => this.register(alg, AEAD),
    crypto_unregister_aead: (alg: Ptr) => this.unregister(alg, AEAD),
    crypto_register_aeads: (algs: Ptr, count: number) => this.registerArray(algs, count, AEAD),
    crypto_unregister_aeads: (algs: Ptr, count: number) => this.unregisterArray(algs, count, AEAD),
    crypto_register_ahash: (alg: Ptr) => this.register(alg, AHASH),
    crypto_unregister_ahash: (alg: Ptr) => this.unregister(alg, AHASH),
    crypto_register_ahashes: (algs: Ptr, count: number) => this.registerArray(algs, count, AHASH),
    crypto_unregister_ahashes: (algs: Ptr, count: number) => this.unregisterArray(algs, count, AHASH),
    crypto_register_akcipher: (alg: Ptr) => this.register(alg, AKCIPHER),
    crypto_unregister_akcipher: (alg: Ptr) => this.unregister(alg, AKCIPHER),
    crypto_register_kpp: (alg: Ptr) => this.register(alg, KPP),
    crypto_unregister_kpp: (alg: Ptr) => this.unregister(alg, KPP),
    crypto_register_rng: (alg: Ptr) => this.register(alg, RNG),
    crypto_unregister_rng: (alg: Ptr) => this.unregister(alg, RNG),
    crypto_register_rngs: (algs: Ptr, count: number) => this.registerArray(algs, count, RNG),
    crypto_unregister_rngs: (algs: Ptr, count: number) => this.unregisterArray(algs, count, RNG),
    crypto_register_scomp: (alg: Ptr) => this.register(alg, SCOMP),
    crypto_unregister_scomp: (alg: Ptr) => this.unregister(alg, SCOMP),
    crypto_init_queue: (queue: Ptr, limit: number) => {
      const type = this.k.struct('crypto_queue');
      list.init(this.k.space, type.addr(queue, 'list'));
      type.set(queue, 'backlog', type.addr(queue, 'list'));
      type.set(queue, 'qlen', 0);
      type.set(queue, 'max_qlen', limit);
    },
  };

  *register(alg: Ptr, kind: Kind): Sleepable<number> {
    const refused = this.prepare(alg, kind);
    const api = this.k.get(CryptoApi);
    return refused === 0 ? yield* api.register(api.baseOf(alg, kind.container)) : refused;
  }

  private *unregister(alg: Ptr, kind: Kind): Sleepable<void> {
    const api = this.k.get(CryptoApi);
    yield* api.unregister(api.baseOf(alg, kind.container));
  }

  private registerArray(algs: Ptr, count: number, kind: Kind): Sleepable<number> {
    return this.k.get(CryptoApi).registerArray(algs, count, kind.container, (alg) => this.prepare(alg, kind));
  }

  private unregisterArray(algs: Ptr, count: number, kind: Kind): Sleepable<void> {
    return this.k.get(CryptoApi).unregisterArray(algs, count, kind.container);
  }

  /** Checks sizes and fills in what an algorithm leaves to the core; -EINVAL if it cannot be. */
  prepare(alg: Ptr, kind: Kind): number {
    const { k } = this;
    const type = k.struct(kind.container);
    if (kind.limited.some((member) => type.get(alg, member) > PAGE_EIGHTH)) return -EINVAL;
    if (kind === AHASH && !this.hashFits(alg)) return -EINVAL;
    const base = k.struct('crypto_alg');
    const at = k.get(CryptoApi).baseOf(alg, kind.container);
    if (type.has('chunksize') && type.get(alg, 'chunksize') === 0)
      type.set(alg, 'chunksize', base.get(at, 'cra_blocksize'));
    if (type.has('walksize') && type.get(alg, 'walksize') === 0)
      type.set(alg, 'walksize', type.get(alg, 'chunksize'));
    base.set(at, 'cra_flags', (base.get(at, 'cra_flags') & ~TYPE_MASK) | kind.type);
    base.set(at, 'cra_type', k.get(CryptoTypes).of(kind.typeSymbol));
    return 0;
  }

  /** An asynchronous hash says how large its exported state is. */
  private hashFits(alg: Ptr): boolean {
    const type = this.k.struct('ahash_alg');
    const stateBytes = type.get(alg, 'halg.statesize');
    const fits = type.get(alg, 'halg.digestsize') <= HASH_MAX_DIGESTSIZE && stateBytes <= HASH_MAX_STATESIZE;
    return fits && stateBytes !== 0;
  }
}
