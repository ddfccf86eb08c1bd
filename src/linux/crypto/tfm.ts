import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { NUMA_NO_NODE } from '../abi/limits.js';
import { ENOENT, ENOMEM } from '../errno.js';
import { errPtr, isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoTypes, type Frontend, frontendOf } from './frontends.js';
import { Shash } from './shash.js';
import {
  FLAG_ASYNC,
  TFM_NEED_KEY,
  TYPE_AEAD,
  TYPE_AHASH,
  TYPE_MASK,
  TYPE_SHASH,
  TYPE_SKCIPHER,
} from './types.js';

/** Context memory behind a tfm starts at the alignment that DMA wants (crypto_tfm_ctx_alignment). */
const CONTEXT_SLACK = 128;
/** Context of a transformation over one of another kind: where that is. */
export const POINTER_BYTES = 8;
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
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  /** Sets up a new struct crypto_ahash of an algorithm of either kind of hash. */
  startHash?: (object: Ptr, alg: Ptr) => Sleepable<number>;

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
    crypto_create_tfm_node: (alg: Ptr, frontend: Ptr) => this.create(alg, frontend),
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
  *allocate(name: string, wanted: number, mask: number, cryptoType = 0): Sleepable<Ptr> {
    const api = this.k.get(CryptoApi);
    const alg = yield* api.find(name, wanted, mask);
    if (alg === 0) return errPtr(ENOENT);
    const object = yield* this.create(alg, cryptoType);
    if (isErr(object)) api.put(alg);
    return object;
  }

  private allocateKind(name: Ptr, frontend: Ptr, type: number, mask: number): Sleepable<Ptr> {
    const wanted = this.k.get(CryptoTypes).narrow(frontend, type, mask);
    return this.allocate(this.k.space.cstring(name), wanted.type, wanted.mask, frontend);
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

  /**
   * A transformation of an algorithm on which the caller has a reference; of the kind that a struct crypto_type describes, else of
   * the algorithm's own.
   */
  *create(alg: Ptr, cryptoType: Ptr = 0): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('crypto_alg');
    const kind = type.get(alg, 'cra_flags') & TYPE_MASK;
    const frontend = k.get(CryptoTypes).frontendAt(cryptoType) ?? frontendOf(kind);
    if (frontend === undefined) throw new Unimplemented(`a crypto transformation of type ${kind}`, '');
    if (frontend.type !== kind && frontend.type !== TYPE_AHASH)
      throw new Unimplemented(`a ${frontend.object} over an algorithm of type ${kind}`, '');
    const contextBytes = frontend.type === kind ? type.get(alg, 'cra_ctxsize') : POINTER_BYTES;
    const object = k.slab.allocateBytes(k.sizeOf(frontend.object) + contextBytes + CONTEXT_SLACK, true);
    if (object === 0) return errPtr(ENOMEM);
    const tfm = this.tfmOf(object, frontend);
    const tfmType = k.struct('crypto_tfm');
    tfmType.set(tfm, '__crt_alg', alg);
    tfmType.set(tfm, 'refcnt.refs.counter', 1);
    tfmType.set(tfm, 'node', NUMA_NO_NODE);
    const result = yield* this.initialise(alg, frontend, object, tfm);
    if (result === 0) return object;
    k.slab.free(object);
    return errPtr(-result);
  }

  private *initialise(alg: Ptr, frontend: Frontend, object: Ptr, tfm: Ptr): Sleepable<number> {
    const { k } = this;
    const tfmType = k.struct('crypto_tfm');
    const result =
      frontend.type === TYPE_AHASH
        ? yield* this.startHash!(object, alg)
        : yield* this.start(alg, frontend, object, tfm);
    if (result !== 0) return result;
    const type = k.struct('crypto_alg');
    if (tfmType.get(tfm, 'exit') !== 0 || type.get(alg, 'cra_init') === 0) return 0;
    return yield* type.call(alg, 'cra_init', tfm);
  }

  /** What each kind does with a new transformation: crypto_skcipher_init_tfm() and its siblings. */
  private *start(alg: Ptr, frontend: Frontend, object: Ptr, tfm: Ptr): Sleepable<number> {
    const { k } = this;
    const { type } = frontend;
    const outer = this.outer(alg, frontend);
    const algorithm = k.struct(frontend.algorithm);
    if (type === TYPE_SHASH)
      k.struct('crypto_shash').set(object, 'descsize', algorithm.get(outer, 'descsize'));
    if (type === TYPE_AEAD)
      k.struct('crypto_aead').set(object, 'authsize', algorithm.get(outer, 'maxauthsize'));
    if (this.needsKey(type, outer)) k.struct('crypto_tfm').set(tfm, 'crt_flags', TFM_NEED_KEY);
    const { init, exit } = frontend;
    if (exit !== undefined && algorithm.get(outer, exit) !== 0) this.endWith(tfm, frontend, exit);
    if (init === undefined || algorithm.get(outer, init) === 0) return 0;
    return yield* algorithm.call(outer, init, object);
  }

  /** The transformation's end calls a function of its algorithm. */
  private endWith(tfm: Ptr, frontend: Frontend, exit: string): void {
    const { k } = this;
    k.struct('crypto_tfm').bind(tfm, 'exit', `${frontend.object}_exit_tfm`, (at: Ptr) =>
      k
        .struct(frontend.algorithm)
        .call(this.outer(this.algorithmOf(at), frontend), exit, k.struct(frontend.object).of(at, 'base')),
    );
  }

  private needsKey(type: number, outer: Ptr): boolean {
    const { k } = this;
    if (type === TYPE_SKCIPHER) return k.struct('skcipher_alg').get(outer, 'max_keysize') !== 0;
    if (type === TYPE_AEAD) return true;
    return type === TYPE_SHASH && k.get(Shash).needsKey(outer);
  }

  /** The kind's own struct round a crypto_alg. */
  private outer(alg: Ptr, frontend: Frontend): Ptr {
    return frontend.base === '' ? alg : this.k.struct(frontend.algorithm).of(alg, frontend.base);
  }

  *destroy(mem: Ptr, tfm: Ptr): Sleepable<void> {
    const { k } = this;
    if (mem === 0 || isErr(mem)) return;
    const tfmType = k.struct('crypto_tfm');
    const count = tfmType.get(tfm, 'refcnt.refs.counter') - 1;
    tfmType.set(tfm, 'refcnt.refs.counter', count);
    if (count > 0) return;
    const alg = this.algorithmOf(tfm);
    const algorithm = k.struct('crypto_alg');
    if (tfmType.get(tfm, 'exit') !== 0) yield* tfmType.call(tfm, 'exit', tfm);
    else if (algorithm.get(alg, 'cra_exit') !== 0) yield* algorithm.call(alg, 'cra_exit', tfm);
    k.get(CryptoApi).put(alg);
    k.slab.free(mem);
  }
}
