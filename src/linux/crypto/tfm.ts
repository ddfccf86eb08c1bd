import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, ENOMEM } from '../../kernel/errno.js';
import { errPtr, isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { TYPE_CIPHER, TYPE_COMPRESS, TYPE_MASK, TYPE_SHASH, TYPE_SKCIPHER } from './types.js';

/** CRYPTO_ALG_ASYNC (include/linux/crypto.h). */
const FLAG_ASYNC = 0x80;

/** Where the crypto_tfm lies in the objects that users of each kind hold (tfmsize of its crypto_type). */
const FRONTENDS: Readonly<Record<number, string>> = {
  [TYPE_CIPHER]: 'crypto_tfm',
  [TYPE_COMPRESS]: 'crypto_tfm',
  [TYPE_SHASH]: 'crypto_shash',
  [TYPE_SKCIPHER]: 'crypto_skcipher',
};
/** Context memory behind a tfm starts at the alignment that DMA wants (crypto_tfm_ctx_alignment). */
const CONTEXT_SLACK = 128;

/** Transformations: instances of an algorithm with a key (crypto/api.c). */
export class CryptoTfms implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_alloc_base: (name: Ptr, type: number, mask: number) =>
      this.allocate(this.k.space.cstring(name), type, mask),
    crypto_alloc_shash: (name: Ptr, type: number, mask: number) =>
      this.allocate(this.k.space.cstring(name), (type & ~TYPE_MASK) | TYPE_SHASH, mask | TYPE_MASK),
    crypto_alloc_skcipher: (name: Ptr, type: number, mask: number) =>
      this.allocate(this.k.space.cstring(name), (type & ~TYPE_MASK) | TYPE_SKCIPHER, mask | TYPE_MASK),
    crypto_alloc_sync_skcipher: (name: Ptr, type: number, mask: number) =>
      this.allocate(
        this.k.space.cstring(name),
        (type & ~(TYPE_MASK | FLAG_ASYNC)) | TYPE_SKCIPHER,
        mask | TYPE_MASK | FLAG_ASYNC,
      ),
    crypto_destroy_tfm: (mem: Ptr, tfm: Ptr) => this.destroy(mem, tfm),
    crypto_cipher_setkey: (cipher: Ptr, key: Ptr, length: number) => this.cipherSetKey(cipher, key, length),
    crypto_cipher_encrypt_one: (cipher: Ptr, out: Ptr, input: Ptr) =>
      this.cipherOne(cipher, out, input, 'cia_encrypt'),
    crypto_cipher_decrypt_one: (cipher: Ptr, out: Ptr, input: Ptr) =>
      this.cipherOne(cipher, out, input, 'cia_decrypt'),
    crypto_comp_compress: (tfm: Ptr, src: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(tfm, 'coa_compress', src, length, out, outLength),
    crypto_comp_decompress: (tfm: Ptr, src: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(tfm, 'coa_decompress', src, length, out, outLength),
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

  /** struct crypto_tfm within an object of an algorithm's kind. */
  tfmOf(object: Ptr, kind: number): Ptr {
    const frontend = FRONTENDS[kind];
    return frontend === 'crypto_tfm' ? object : this.k.struct(frontend).addr(object, 'base');
  }

  /** Memory of the algorithm's own behind a tfm. */
  contextOf(tfm: Ptr): Ptr {
    return this.k.struct('crypto_tfm').addr(tfm, '__crt_ctx');
  }

  algorithmOf(tfm: Ptr): Ptr {
    return this.k.struct('crypto_tfm').get(tfm, '__crt_alg');
  }

  private *create(alg: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('crypto_alg');
    const kind = type.get(alg, 'cra_flags') & TYPE_MASK;
    const frontend = FRONTENDS[kind];
    if (frontend === undefined) throw new TypeError(`modbox has no transformations of type ${kind} yet`);
    const headBytes = k.sizeOf(frontend);
    const object = k.slab.kmalloc(headBytes + type.get(alg, 'cra_ctxsize') + CONTEXT_SLACK, true);
    if (object === 0) return errPtr(ENOMEM);
    const tfm = this.tfmOf(object, kind);
    const tfmType = k.struct('crypto_tfm');
    tfmType.set(tfm, '__crt_alg', alg);
    tfmType.set(tfm, 'refcnt.refs.counter', 1);
    const result = yield* this.initialise(alg, kind, object, tfm);
    if (result === 0) return object;
    k.slab.free(object);
    return errPtr(-result);
  }

  private *initialise(alg: Ptr, kind: number, object: Ptr, tfm: Ptr): Sleepable<number> {
    const { k } = this;
    if (kind === TYPE_SHASH) {
      const shash = k.struct('shash_alg');
      const container = shash.of(alg, 'base');
      k.struct('crypto_shash').set(object, 'descsize', shash.get(container, 'descsize'));
      const initTfm = shash.get(container, 'init_tfm');
      if (initTfm !== 0) {
        const result = yield* k.callInt(initTfm, object);
        if (result !== 0) return result;
      }
    }
    if (kind === TYPE_SKCIPHER) {
      const skcipher = k.struct('skcipher_alg');
      const init = skcipher.get(skcipher.of(alg, 'base'), 'init');
      if (init !== 0) {
        const result = yield* k.callInt(init, object);
        if (result !== 0) return result;
      }
    }
    const init = k.struct('crypto_alg').get(alg, 'cra_init');
    return init === 0 ? 0 : yield* k.callInt(init, tfm);
  }

  private *destroy(mem: Ptr, tfm: Ptr): Sleepable<void> {
    const { k } = this;
    if (mem === 0 || isErr(mem)) return;
    const tfmType = k.struct('crypto_tfm');
    const count = tfmType.get(tfm, 'refcnt.refs.counter') - 1;
    tfmType.set(tfm, 'refcnt.refs.counter', count);
    if (count > 0) return;
    const alg = this.algorithmOf(tfm);
    const algType = k.struct('crypto_alg');
    const kind = algType.get(alg, 'cra_flags') & TYPE_MASK;
    if (kind === TYPE_SHASH) {
      const exit = k.struct('shash_alg').get(k.struct('shash_alg').of(alg, 'base'), 'exit_tfm');
      if (exit !== 0) yield* k.call(exit, mem);
    }
    if (kind === TYPE_SKCIPHER) {
      const exit = k.struct('skcipher_alg').get(k.struct('skcipher_alg').of(alg, 'base'), 'exit');
      if (exit !== 0) yield* k.call(exit, mem);
    }
    const exit = algType.get(alg, 'cra_exit');
    if (exit !== 0) yield* k.call(exit, tfm);
    k.get(CryptoApi).put(alg);
    k.slab.free(mem);
  }

  private *cipherSetKey(cipher: Ptr, key: Ptr, length: number): Sleepable<number> {
    const alg = this.algorithmOf(cipher);
    const type = this.k.struct('crypto_alg');
    if (
      length < type.get(alg, 'cra_u.cipher.cia_min_keysize') ||
      length > type.get(alg, 'cra_u.cipher.cia_max_keysize')
    )
      return -22;
    return yield* this.k.callInt(type.get(alg, 'cra_u.cipher.cia_setkey'), cipher, key, BigInt(length));
  }

  private *cipherOne(
    cipher: Ptr,
    out: Ptr,
    input: Ptr,
    operation: 'cia_encrypt' | 'cia_decrypt',
  ): Sleepable<void> {
    const alg = this.algorithmOf(cipher);
    yield* this.k.call(this.k.struct('crypto_alg').get(alg, `cra_u.cipher.${operation}`), cipher, out, input);
  }

  private *compress(
    tfm: Ptr,
    operation: 'coa_compress' | 'coa_decompress',
    src: Ptr,
    length: number,
    out: Ptr,
    outLength: Ptr,
  ): Sleepable<number> {
    const fn = this.k.struct('crypto_alg').get(this.algorithmOf(tfm), `cra_u.compress.${operation}`);
    return yield* this.k.callInt(fn, tfm, src, BigInt(length), out, outLength);
  }
}
