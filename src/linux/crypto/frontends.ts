import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import {
  TYPE_AEAD,
  TYPE_AHASH,
  TYPE_AKCIPHER,
  TYPE_CIPHER,
  TYPE_COMPRESS,
  TYPE_KPP,
  TYPE_MASK,
  TYPE_RNG,
  TYPE_SHASH,
  TYPE_SKCIPHER,
} from './types.js';

/** Types that serve as asynchronous hashes: both kinds of hash. */
const AHASH_TYPES = 0xe;

/** A kind of transformation: struct crypto_type, and the members through which its algorithms set one up. */
export interface Frontend {
  readonly type: number;
  /** Bits of cra_flags that a lookup has to match. */
  readonly mask: number;
  /** The object that users hold; its crypto_tfm is the member `base`, or it is the crypto_tfm itself. */
  readonly object: string;
  /** The struct of its algorithms, and where in it the struct crypto_alg is. */
  readonly algorithm: string;
  readonly base: string;
  readonly init?: string;
  readonly exit?: string;
  /** Symbol of the kernel's struct crypto_type. */
  readonly symbol?: string;
  /** What builds it in; as a module it brings its own. */
  readonly option?: string;
}

const plain = { object: 'crypto_tfm', algorithm: 'crypto_alg', base: '', mask: TYPE_MASK } as const;

const FRONTENDS: readonly Frontend[] = [
  { ...plain, type: TYPE_CIPHER },
  { ...plain, type: TYPE_COMPRESS },
  {
    type: TYPE_SKCIPHER,
    mask: TYPE_MASK,
    object: 'crypto_skcipher',
    algorithm: 'skcipher_alg',
    base: 'base',
    init: 'init',
    exit: 'exit',
    symbol: 'crypto_skcipher_type',
    option: 'CONFIG_CRYPTO_SKCIPHER2',
  },
  {
    type: TYPE_AEAD,
    mask: TYPE_MASK,
    object: 'crypto_aead',
    algorithm: 'aead_alg',
    base: 'base',
    init: 'init',
    exit: 'exit',
    symbol: 'crypto_aead_type',
    option: 'CONFIG_CRYPTO_AEAD2',
  },
  {
    type: TYPE_SHASH,
    mask: TYPE_MASK,
    object: 'crypto_shash',
    algorithm: 'shash_alg',
    base: 'base',
    init: 'init_tfm',
    exit: 'exit_tfm',
    symbol: 'crypto_shash_type',
    option: 'CONFIG_CRYPTO_HASH2',
  },
  {
    type: TYPE_AHASH,
    mask: AHASH_TYPES,
    object: 'crypto_ahash',
    algorithm: 'ahash_alg',
    base: 'halg.base',
    init: 'init_tfm',
    exit: 'exit_tfm',
    symbol: 'crypto_ahash_type',
    option: 'CONFIG_CRYPTO_HASH2',
  },
  {
    type: TYPE_RNG,
    mask: TYPE_MASK,
    object: 'crypto_rng',
    algorithm: 'rng_alg',
    base: 'base',
    symbol: 'crypto_rng_type',
    option: 'CONFIG_CRYPTO_RNG2',
  },
  {
    type: TYPE_AKCIPHER,
    mask: TYPE_MASK,
    object: 'crypto_akcipher',
    algorithm: 'akcipher_alg',
    base: 'base',
    init: 'init',
    exit: 'exit',
    symbol: 'crypto_akcipher_type',
    option: 'CONFIG_CRYPTO_AKCIPHER2',
  },
  {
    type: TYPE_KPP,
    mask: TYPE_MASK,
    object: 'crypto_kpp',
    algorithm: 'kpp_alg',
    base: 'base',
    init: 'init',
    exit: 'exit',
    symbol: 'crypto_kpp_type',
    option: 'CONFIG_CRYPTO_KPP2',
  },
];

/** The kind of transformation that algorithms of a type make by themselves. */
export function frontendOf(flags: number): Frontend | undefined {
  return FRONTENDS.find(({ type }) => type === (flags & TYPE_MASK));
}

/** The kernel's descriptions of the kinds of transformations (struct crypto_type, include/crypto/algapi.h). */
export class CryptoTypes implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    for (const frontend of FRONTENDS) {
      const { symbol, option } = frontend;
      if (symbol === undefined || option === undefined) continue;
      if (this.k.builtIns.allows({ builtIn: option })) this.fill(this.of(symbol), frontend);
    }
  }

  /** The kind that a struct crypto_type describes. */
  frontendAt(cryptoType: Ptr): Frontend | undefined {
    return FRONTENDS.find(({ symbol }) => symbol !== undefined && this.of(symbol) === cryptoType);
  }

  /** The kernel's struct crypto_type of a name. */
  of(symbol: string): Ptr {
    return this.k.variable(symbol, this.k.sizeOf('crypto_type'));
  }

  /** A lookup's type and mask as a kind narrows them; of no kind, as they are. */
  narrow(cryptoType: Ptr, type: number, mask: number): { type: number; mask: number } {
    if (cryptoType === 0) return { type, mask };
    const view = this.k.struct('crypto_type');
    const clear = view.get(cryptoType, 'maskclear');
    return {
      type: ((type & clear) | view.get(cryptoType, 'type')) >>> 0,
      mask: ((mask & clear) | view.get(cryptoType, 'maskset')) >>> 0,
    };
  }

  private fill(at: Ptr, { type, mask, object }: Frontend): void {
    const view = this.k.struct('crypto_type');
    view.set(at, 'type', type);
    view.set(at, 'maskclear', ~TYPE_MASK >>> 0);
    view.set(at, 'maskset', mask);
    view.set(at, 'tfmsize', this.k.struct(object).offsetOf('base'));
  }
}
