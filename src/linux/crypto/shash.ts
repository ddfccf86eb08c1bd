import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi, UNSUPPORTED } from './algapi.js';
import { CryptoTypes } from './frontends.js';
import { markKey } from './key-state.js';
import {
  HASH_MAX_DESCSIZE,
  HASH_MAX_DIGESTSIZE,
  HASH_MAX_STATESIZE,
  TYPE_MASK,
  TYPE_SHASH,
} from './types.js';

/** Synchronous hashes (crypto/shash.c, Documentation/crypto/api-digest.rst). */
export class Shash implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_register_shash: (alg: Ptr) => this.register(alg),
    crypto_unregister_shash: (alg: Ptr) => this.k.get(CryptoApi).unregister(this.base(alg)),
    crypto_register_shashes: (algs: Ptr, count: number) =>
      this.k.get(CryptoApi).registerArray(algs, count, 'shash_alg', (alg) => this.prepare(alg)),
    crypto_unregister_shashes: (algs: Ptr, count: number) =>
      this.k.get(CryptoApi).unregisterArray(algs, count, 'shash_alg'),
    crypto_shash_setkey: (tfm: Ptr, key: Ptr, length: number) => this.setKey(tfm, key, length),
    crypto_shash_update: (desc: Ptr, data: Ptr, length: number) => this.update(desc, data, length),
    crypto_shash_final: (desc: Ptr, out: Ptr) => this.final(desc, out),
    crypto_shash_finup: (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.finup(desc, data, length, out),
    crypto_shash_digest: (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.digest(desc, data, length, out),
    crypto_shash_tfm_digest: (tfm: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.tfmDigest(tfm, data, length, out),
    crypto_shash_alg_has_setkey: (alg: Ptr) =>
      this.k.struct('shash_alg').get(alg, 'setkey') !==
      this.k.exports.hostFunction('shash_no_setkey', 'i:ppu', () => UNSUPPORTED),
  };

  /** Checks sizes and fills in what the algorithm leaves to the core; a negative errno if it is impossible. */
  prepare(alg: Ptr): number {
    const { k } = this;
    const type = k.struct('shash_alg');
    const descsize = type.get(alg, 'descsize');
    if (type.get(alg, 'digestsize') > HASH_MAX_DIGESTSIZE || descsize > HASH_MAX_DESCSIZE) return -EINVAL;
    if (type.get(alg, 'statesize') > HASH_MAX_STATESIZE) return -EINVAL;
    if ((type.get(alg, 'export') === 0) !== (type.get(alg, 'import') === 0)) return -EINVAL;
    const base = k.struct('crypto_alg');
    const at = this.base(alg);
    base.set(at, 'cra_flags', (base.get(at, 'cra_flags') & ~TYPE_MASK) | TYPE_SHASH);
    base.set(at, 'cra_type', k.get(CryptoTypes).of('crypto_shash_type'));
    const defaults: readonly [string, string, (...args: never[]) => unknown][] = [
      [
        'finup',
        'i:ppup',
        (desc: Ptr, data: Ptr, length: number, out: Ptr) => this.finupDefault(desc, data, length, out),
      ],
      [
        'digest',
        'i:ppup',
        (desc: Ptr, data: Ptr, length: number, out: Ptr) => this.digestDefault(desc, data, length, out),
      ],
      ['setkey', 'i:ppu', () => UNSUPPORTED],
    ];
    for (const [member, signature, fn] of defaults) {
      const name = {
        finup: 'shash_finup_unaligned',
        digest: 'shash_digest_unaligned',
        setkey: 'shash_no_setkey',
      }[member]!;
      if (type.get(alg, member) === 0) type.set(alg, member, k.exports.hostFunction(name, signature, fn));
    }
    if (type.get(alg, 'export') === 0) {
      const copy = (desc: Ptr, state: Ptr, out: boolean): number => {
        const size = k.struct('crypto_shash').get(k.struct('shash_desc').get(desc, 'tfm'), 'descsize');
        const context = k.struct('shash_desc').addr(desc, '__ctx');
        k.space.bytes.copyWithin(
          out ? state : context,
          out ? context : state,
          (out ? context : state) + size,
        );
        return 0;
      };
      type.set(
        alg,
        'export',
        k.exports.hostFunction('shash_default_export', 'i:pp', (d: Ptr, s: Ptr) => copy(d, s, true)),
      );
      type.set(
        alg,
        'import',
        k.exports.hostFunction('shash_default_import', 'i:pp', (d: Ptr, s: Ptr) => copy(d, s, false)),
      );
      type.set(alg, 'statesize', descsize);
    }
    return 0;
  }

  private *register(alg: Ptr): Sleepable<number> {
    const refused = this.prepare(alg);
    return refused === 0 ? yield* this.k.get(CryptoApi).register(this.base(alg)) : refused;
  }

  private base(alg: Ptr): Ptr {
    return this.k.struct('shash_alg').addr(alg, 'base');
  }

  private algOf(tfm: Ptr): Ptr {
    const { k } = this;
    const alg = k.struct('crypto_tfm').get(k.struct('crypto_shash').addr(tfm, 'base'), '__crt_alg');
    return k.struct('shash_alg').of(alg, 'base');
  }

  private op(desc: Ptr, member: string): Ptr {
    return this.k.struct('shash_alg').get(this.algOf(this.k.struct('shash_desc').get(desc, 'tfm')), member);
  }

  private *setKey(tfm: Ptr, key: Ptr, length: number): Sleepable<number> {
    const setkey = this.k.struct('shash_alg').get(this.algOf(tfm), 'setkey');
    const result = yield* this.k.callInt(setkey, tfm, key, BigInt(length));
    const base = this.k.struct('crypto_shash').addr(tfm, 'base');
    markKey(this.k, base, result === 0);
    return result;
  }

  private *init(desc: Ptr): Sleepable<number> {
    return yield* this.k.callInt(this.op(desc, 'init'), desc);
  }

  private *update(desc: Ptr, data: Ptr, length: number): Sleepable<number> {
    return yield* this.k.callInt(this.op(desc, 'update'), desc, data, BigInt(length));
  }

  private *final(desc: Ptr, out: Ptr): Sleepable<number> {
    return yield* this.k.callInt(this.op(desc, 'final'), desc, out);
  }

  private *finup(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return yield* this.k.callInt(this.op(desc, 'finup'), desc, data, BigInt(length), out);
  }

  private *digest(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return yield* this.k.callInt(this.op(desc, 'digest'), desc, data, BigInt(length), out);
  }

  private *tfmDigest(tfm: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    const { k } = this;
    const desc = k.slab.kmalloc(k.sizeOf('shash_desc') + k.struct('crypto_shash').get(tfm, 'descsize'), true);
    k.struct('shash_desc').set(desc, 'tfm', tfm);
    const result = yield* this.digest(desc, data, length, out);
    k.slab.free(desc);
    return result;
  }

  private *finupDefault(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return (yield* this.update(desc, data, length)) || (yield* this.final(desc, out));
  }

  private *digestDefault(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return (yield* this.init(desc)) || (yield* this.finup(desc, data, length, out));
  }
}
