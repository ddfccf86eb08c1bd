import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, ENOMEM } from '../../kernel/errno.js';
import { errPtr, isErr, Unimplemented } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi, UNSUPPORTED } from './algapi.js';
import { CryptoTypes, type Frontend, frontendOf } from './frontends.js';
import {
  FLAG_ASYNC,
  FLAG_OPTIONAL_KEY,
  TFM_NEED_KEY,
  TYPE_AEAD,
  TYPE_MASK,
  TYPE_SHASH,
  TYPE_SKCIPHER,
} from './types.js';

/** Context memory behind a tfm starts at the alignment that DMA wants (crypto_tfm_ctx_alignment). */
const CONTEXT_SLACK = 128;
/** Functions that allocate a kind, by the symbol of its struct crypto_type. */
const ALLOCATORS: Readonly<Record<string, string>> = {
  crypto_alloc_shash: 'crypto_shash_type',
  crypto_alloc_skcipher: 'crypto_skcipher_type',
  crypto_alloc_aead: 'crypto_aead_type',
  crypto_alloc_ahash: 'crypto_ahash_type',
  crypto_alloc_rng: 'crypto_rng_type',
  crypto_alloc_akcipher: 'crypto_akcipher_type',
  crypto_alloc_kpp: 'crypto_kpp_type',
};
const PRESENCE: Readonly<Record<string, string>> = {
  crypto_has_skcipher: 'crypto_skcipher_type',
  crypto_has_shash: 'crypto_shash_type',
  crypto_has_kpp: 'crypto_kpp_type',
};

/** Transformations: instances of an algorithm with a key (crypto/api.c). */
export class CryptoTfms implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_alloc_base: (name: Ptr, type: number, mask: number) =>
      this.allocate(this.k.space.cstring(name), type, mask),
    crypto_alloc_tfm_node: (name: Ptr, frontend: Ptr, type: number, mask: number) =>
      this.allocateKind(name, frontend, type, mask),
    ...Object.fromEntries(
      Object.entries(ALLOCATORS).map(([name, symbol]) => [
        name,
        (alg: Ptr, type: number, mask: number) =>
          this.allocateKind(alg, this.k.get(CryptoTypes).of(symbol), type, mask),
      ]),
    ),
    crypto_alloc_sync_skcipher: (name: Ptr, type: number, mask: number) =>
      this.allocateKind(
        name,
        this.k.get(CryptoTypes).of('crypto_skcipher_type'),
        type & ~FLAG_ASYNC,
        mask | FLAG_ASYNC,
      ),
    __crypto_alloc_tfm: (alg: Ptr) => this.create(alg),
    crypto_create_tfm_node: (alg: Ptr) => this.create(alg),
    crypto_destroy_tfm: (mem: Ptr, tfm: Ptr) => this.destroy(mem, tfm),
    crypto_find_alg: (name: Ptr, frontend: Ptr, type: number, mask: number) =>
      this.find(name, frontend, type, mask),
    crypto_type_has_alg: (name: Ptr, frontend: Ptr, type: number, mask: number) =>
      this.has(name, frontend, type, mask),
    ...Object.fromEntries(
      Object.entries(PRESENCE).map(([name, symbol]) => [
        name,
        (alg: Ptr, type: number, mask: number) =>
          this.has(alg, this.k.get(CryptoTypes).of(symbol), type, mask),
      ]),
    ),
  };

  /** A transformation by algorithm name: the object its kind's users hold, or an ERR_PTR. */
  *allocate(name: string, wanted: number, mask: number): Sleepable<Ptr> {
    const api = this.k.get(CryptoApi);
    const alg = yield* api.find(name, wanted, mask);
    if (alg === 0) return errPtr(ENOENT);
    const object = yield* this.create(alg);
    if (isErr(object)) api.put(alg);
    return object;
  }

  private allocateKind(name: Ptr, frontend: Ptr, type: number, mask: number): Sleepable<Ptr> {
    const wanted = this.k.get(CryptoTypes).narrow(frontend, type, mask);
    return this.allocate(this.k.space.cstring(name), wanted.type, wanted.mask);
  }

  private *find(name: Ptr, frontend: Ptr, type: number, mask: number): Sleepable<Ptr> {
    const wanted = this.k.get(CryptoTypes).narrow(frontend, type, mask);
    const alg = yield* this.k.get(CryptoApi).find(this.k.space.cstring(name), wanted.type, wanted.mask);
    return alg === 0 ? errPtr(ENOENT) : alg;
  }

  private *has(name: Ptr, frontend: Ptr, type: number, mask: number): Sleepable<number> {
    const alg = yield* this.find(name, frontend, type, mask);
    if (isErr(alg)) return 0;
    this.k.get(CryptoApi).put(alg);
    return 1;
  }

  /** struct crypto_tfm within an object of an algorithm's kind. */
  tfmOf(object: Ptr, frontend: Frontend): Ptr {
    return frontend.object === 'crypto_tfm' ? object : this.k.struct(frontend.object).addr(object, 'base');
  }

  /** Memory of the algorithm's own behind a tfm. */
  contextOf(tfm: Ptr): Ptr {
    return this.k.struct('crypto_tfm').addr(tfm, '__crt_ctx');
  }

  algorithmOf(tfm: Ptr): Ptr {
    return this.k.struct('crypto_tfm').get(tfm, '__crt_alg');
  }

  /** A transformation of an algorithm on which the caller has a reference. */
  *create(alg: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('crypto_alg');
    const kind = type.get(alg, 'cra_flags') & TYPE_MASK;
    const frontend = frontendOf(kind);
    if (frontend === undefined) throw new Unimplemented(`a crypto transformation of type ${kind}`, '');
    const headBytes = k.sizeOf(frontend.object);
    const object = k.slab.kmalloc(headBytes + type.get(alg, 'cra_ctxsize') + CONTEXT_SLACK, true);
    if (object === 0) return errPtr(ENOMEM);
    const tfm = this.tfmOf(object, frontend);
    const tfmType = k.struct('crypto_tfm');
    tfmType.set(tfm, '__crt_alg', alg);
    tfmType.set(tfm, 'refcnt.refs.counter', 1);
    const result = yield* this.initialise(alg, frontend, object, tfm);
    if (result === 0) return object;
    k.slab.free(object);
    return errPtr(-result);
  }

  private *initialise(alg: Ptr, frontend: Frontend, object: Ptr, tfm: Ptr): Sleepable<number> {
    const { k } = this;
    const { type } = frontend;
    const outer = this.outer(alg, frontend);
    const algorithm = k.struct(frontend.algorithm);
    if (type === TYPE_SHASH)
      k.struct('crypto_shash').set(object, 'descsize', algorithm.get(outer, 'descsize'));
    if (type === TYPE_AEAD)
      k.struct('crypto_aead').set(object, 'authsize', algorithm.get(outer, 'maxauthsize'));
    if (this.needsKey(alg, type, outer)) k.struct('crypto_tfm').set(tfm, 'crt_flags', TFM_NEED_KEY);
    if (frontend.init !== undefined) {
      const init = algorithm.get(outer, frontend.init);
      const result = init === 0 ? 0 : yield* k.callInt(init, object);
      if (result !== 0) return result;
    }
    const init = k.struct('crypto_alg').get(alg, 'cra_init');
    return init === 0 ? 0 : yield* k.callInt(init, tfm);
  }

  private needsKey(alg: Ptr, type: number, outer: Ptr): boolean {
    const { k } = this;
    if (type === TYPE_SKCIPHER) return k.struct('skcipher_alg').get(outer, 'max_keysize') !== 0;
    if (type === TYPE_AEAD) return true;
    if (type !== TYPE_SHASH) return false;
    if (k.struct('crypto_alg').get(alg, 'cra_flags') & FLAG_OPTIONAL_KEY) return false;
    const none = k.exports.hostFunction('shash_no_setkey', 'i:ppu', () => UNSUPPORTED);
    return k.struct('shash_alg').get(outer, 'setkey') !== none;
  }

  /** The kind's own struct round a crypto_alg. */
  private outer(alg: Ptr, frontend: Frontend): Ptr {
    return frontend.base === '' ? alg : this.k.struct(frontend.algorithm).of(alg, frontend.base);
  }

  private *destroy(mem: Ptr, tfm: Ptr): Sleepable<void> {
    const { k } = this;
    if (mem === 0 || isErr(mem)) return;
    const tfmType = k.struct('crypto_tfm');
    const count = tfmType.get(tfm, 'refcnt.refs.counter') - 1;
    tfmType.set(tfm, 'refcnt.refs.counter', count);
    if (count > 0) return;
    const alg = this.algorithmOf(tfm);
    const frontend = frontendOf(k.struct('crypto_alg').get(alg, 'cra_flags'));
    if (frontend?.exit !== undefined) {
      const exit = k.struct(frontend.algorithm).get(this.outer(alg, frontend), frontend.exit);
      if (exit !== 0) yield* k.call(exit, mem);
    }
    const exit = k.struct('crypto_alg').get(alg, 'cra_exit');
    if (exit !== 0) yield* k.call(exit, tfm);
    k.get(CryptoApi).put(alg);
    k.slab.free(mem);
  }
}
