import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOKEY } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi, UNSUPPORTED } from './algapi.js';
import { CryptoTypes } from './frontends.js';
import { markKey, wantsKey } from './key-state.js';
import {
  FLAG_OPTIONAL_KEY,
  HASH_MAX_DESCSIZE,
  HASH_MAX_DIGESTSIZE,
  HASH_MAX_STATESIZE,
  TYPE_MASK,
  TYPE_SHASH,
} from './types.js';

/** Synchronous hashes (crypto/shash.c, Documentation/crypto/api-digest.rst). */
export class Shash implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

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
    crypto_shash_export: (desc: Ptr, state: Ptr) => this.export(desc, state),
    crypto_shash_import: (desc: Ptr, state: Ptr) => this.import(desc, state),
    crypto_shash_tfm_digest: (tfm: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.tfmDigest(tfm, data, length, out),
    crypto_shash_alg_has_setkey: (alg: Ptr) => this.hasSetkey(alg),
  };

  /** Checks sizes and fills in what the algorithm leaves to the core; a negative errno if it is impossible. */
  prepare(alg: Ptr): number {
    const { k } = this;
    const type = k.struct('shash_alg');
    const descsize = type.get(alg, 'descsize');
    if (type.get(alg, 'digestsize') > HASH_MAX_DIGESTSIZE || descsize > HASH_MAX_DESCSIZE) return -EINVAL;
    if (type.get(alg, 'statesize') > HASH_MAX_STATESIZE) return -EINVAL;
    if ((type.get(alg, 'export') === 0) !== (type.get(alg, 'import') === 0)) return -EINVAL;
    if (!this.alignsData && type.get(alg, 'base.cra_alignmask') !== 0) return -EINVAL;
    const base = k.struct('crypto_alg');
    const at = this.base(alg);
    base.set(at, 'cra_flags', (base.get(at, 'cra_flags') & ~TYPE_MASK) | TYPE_SHASH);
    base.set(at, 'cra_type', k.get(CryptoTypes).of('crypto_shash_type'));
    const how = this.alignsData ? 'unaligned' : 'default';
    if (type.get(alg, 'finup') === 0)
      type.bind(alg, 'finup', this.named('finup', how), (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
        this.finupDefault(desc, data, length, out),
      );
    if (type.get(alg, 'digest') === 0)
      type.bind(alg, 'digest', this.named('digest', how), (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
        this.digestDefault(desc, data, length, out),
      );
    if (type.get(alg, 'setkey') === 0) type.bind(alg, 'setkey', 'shash_no_setkey', () => UNSUPPORTED);
    if (type.get(alg, 'export') === 0) {
      type.bind(alg, 'export', 'shash_default_export', (desc: Ptr, state: Ptr) =>
        this.copyState(this.contextOf(desc), state, desc),
      );
      type.bind(alg, 'import', 'shash_default_import', (desc: Ptr, state: Ptr) =>
        this.copyState(state, this.contextOf(desc), desc),
      );
      type.set(alg, 'statesize', descsize);
    }
    return 0;
  }

  *register(alg: Ptr): Sleepable<number> {
    const refused = this.prepare(alg);
    return refused === 0 ? yield* this.k.get(CryptoApi).register(this.base(alg)) : refused;
  }

  /** Whether an algorithm takes a key. */
  hasSetkey(alg: Ptr): boolean {
    const { k } = this;
    const type = k.struct('shash_alg');
    return k.exports.nameAt(type.get(alg, 'setkey')) !== 'shash_no_setkey';
  }

  /** Whether an algorithm cannot be used without a key. */
  needsKey(alg: Ptr): boolean {
    return (
      this.hasSetkey(alg) && !(this.k.struct('shash_alg').get(alg, 'base.cra_flags') & FLAG_OPTIONAL_KEY)
    );
  }

  digestSize(tfm: Ptr): number {
    return this.k.struct('shash_alg').get(this.algOf(tfm), 'digestsize');
  }

  /** struct shash_alg of a struct crypto_shash. */
  algOf(tfm: Ptr): Ptr {
    const { k } = this;
    const alg = k.struct('crypto_tfm').get(this.tfmOf(tfm), '__crt_alg');
    return k.struct('shash_alg').of(alg, 'base');
  }

  *setKey(tfm: Ptr, key: Ptr, length: number): Sleepable<number> {
    const alg = this.algOf(tfm);
    const type = this.k.struct('shash_alg');
    const result = yield* this.aligned(tfm, key, length, (at) => type.call(alg, 'setkey', tfm, at, length));
    if (result === 0) markKey(this.k, this.tfmOf(tfm), true);
    else if (this.needsKey(alg)) markKey(this.k, this.tfmOf(tfm), false);
    return result;
  }

  *init(desc: Ptr): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    if (wantsKey(this.k, this.tfmOf(tfm))) return -ENOKEY;
    return yield* this.k.struct('shash_alg').call(alg, 'init', desc);
  }

  *update(desc: Ptr, data: Ptr, length: number): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    const type = this.k.struct('shash_alg');
    if (!this.misaligned(tfm, data)) return yield* type.call(alg, 'update', desc, data, length);
    // A copy of what comes before the first aligned byte, then the rest, be there one or not.
    const alignment = this.alignmask(tfm) + 1;
    const head = Math.min(alignment - (data % alignment), length);
    return (
      (yield* this.aligned(tfm, data, head, (at) => type.call(alg, 'update', desc, at, head))) ||
      (yield* type.call(alg, 'update', desc, data + head, length - head))
    );
  }

  *final(desc: Ptr, out: Ptr): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    const type = this.k.struct('shash_alg');
    return yield* this.alignedResult(tfm, out, (at) => type.call(alg, 'final', desc, at));
  }

  *finup(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    if (this.misaligned(tfm, data) || this.misaligned(tfm, out))
      return yield* this.finupDefault(desc, data, length, out);
    return yield* this.k.struct('shash_alg').call(alg, 'finup', desc, data, length, out);
  }

  *digest(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    if (wantsKey(this.k, this.tfmOf(tfm))) return -ENOKEY;
    if (this.misaligned(tfm, data) || this.misaligned(tfm, out))
      return yield* this.digestDefault(desc, data, length, out);
    return yield* this.k.struct('shash_alg').call(alg, 'digest', desc, data, length, out);
  }

  *export(desc: Ptr, state: Ptr): Sleepable<number> {
    return yield* this.k.struct('shash_alg').call(this.parts(desc).alg, 'export', desc, state);
  }

  *import(desc: Ptr, state: Ptr): Sleepable<number> {
    const { tfm, alg } = this.parts(desc);
    if (wantsKey(this.k, this.tfmOf(tfm))) return -ENOKEY;
    return yield* this.k.struct('shash_alg').call(alg, 'import', desc, state);
  }

  /** A struct shash_desc for a transformation; the caller frees it. */
  newDesc(tfm: Ptr): Ptr {
    const { k } = this;
    const desc = k.slab.allocateBytes(
      k.sizeOf('shash_desc') + k.struct('crypto_shash').get(tfm, 'descsize'),
      true,
    );
    k.struct('shash_desc').set(desc, 'tfm', tfm);
    return desc;
  }

  /** Memory of the algorithm's own behind a struct shash_desc. */
  contextOf(desc: Ptr): Ptr {
    return this.k.struct('shash_desc').addr(desc, '__ctx');
  }

  private *tfmDigest(tfm: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    const desc = this.newDesc(tfm);
    const result = yield* this.digest(desc, data, length, out);
    this.k.slab.free(desc);
    return result;
  }

  private *finupDefault(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return (yield* this.update(desc, data, length)) || (yield* this.final(desc, out));
  }

  private *digestDefault(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    return (yield* this.init(desc)) || (yield* this.finup(desc, data, length, out));
  }

  private copyState(from: Ptr, to: Ptr, desc: Ptr): number {
    const { k } = this;
    const size = k.struct('crypto_shash').get(this.parts(desc).tfm, 'descsize');
    k.space.writable(to, size).set(k.space.bytes.slice(from, from + size));
    return 0;
  }

  /** Hands data to an algorithm that wants it aligned: a copy, where it is not. */
  private *aligned(
    tfm: Ptr,
    data: Ptr,
    length: number,
    use: (at: Ptr) => Sleepable<number>,
  ): Sleepable<number> {
    if (!this.misaligned(tfm, data)) return yield* use(data);
    const { k } = this;
    const { memory, at } = this.alignedMemory(tfm, length);
    k.space.bytes.copyWithin(at, data, data + length);
    const result = yield* use(at);
    k.slab.free(memory);
    return result;
  }

  private *alignedResult(tfm: Ptr, out: Ptr, use: (at: Ptr) => Sleepable<number>): Sleepable<number> {
    if (!this.misaligned(tfm, out)) return yield* use(out);
    const { k } = this;
    const length = this.digestSize(tfm);
    const { memory, at } = this.alignedMemory(tfm, length);
    const result = yield* use(at);
    if (result === 0) k.space.writable(out, length).set(k.space.bytes.slice(at, at + length));
    k.slab.free(memory);
    return result;
  }

  private alignedMemory(tfm: Ptr, length: number): { readonly memory: Ptr; readonly at: Ptr } {
    const mask = this.alignmask(tfm);
    const memory = this.k.slab.allocateBytes(length + mask, true);
    return { memory, at: memory + mask - ((memory + mask) % (mask + 1)) };
  }

  private misaligned(tfm: Ptr, at: Ptr): boolean {
    return at % (this.alignmask(tfm) + 1) !== 0;
  }

  private alignmask(tfm: Ptr): number {
    return this.k.struct('shash_alg').get(this.algOf(tfm), 'base.cra_alignmask');
  }

  /** Whether hashes may want aligned data, which newer kernels do not have. */
  private get alignsData(): boolean {
    return this.k.hasSymbol('shash_update_unaligned');
  }

  private named(operation: string, how: string): string {
    return `shash_${how === 'default' ? `default_${operation}` : `${operation}_unaligned`}`;
  }

  private parts(desc: Ptr): { readonly tfm: Ptr; readonly alg: Ptr } {
    const tfm = this.k.struct('shash_desc').get(desc, 'tfm');
    return { tfm, alg: this.algOf(tfm) };
  }

  private tfmOf(tfm: Ptr): Ptr {
    return this.k.struct('crypto_shash').addr(tfm, 'base');
  }

  private base(alg: Ptr): Ptr {
    return this.k.struct('shash_alg').addr(alg, 'base');
  }
}
