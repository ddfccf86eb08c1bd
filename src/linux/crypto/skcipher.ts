import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOKEY, ENOMEM } from '../errno.js';
import { errPtr, isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoAttributes } from './attributes.js';
import { Ciphers } from './cipher.js';
import { markKey, wantsKey } from './key-state.js';
import { CryptoSpawns } from './spawns.js';
import { CryptoTfms } from './tfm.js';
import { TYPE_CIPHER, TYPE_MASK, TYPE_SKCIPHER } from './types.js';

/** Symmetric-key ciphers over scatterlists (crypto/skcipher.c, Documentation/crypto/api-skcipher.rst). */
export class Skciphers implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_skcipher_setkey: (tfm: Ptr, key: Ptr, length: number) => this.setKey(tfm, key, length),
    crypto_skcipher_encrypt: (request: Ptr) => this.run(request, 'encrypt'),
    crypto_skcipher_decrypt: (request: Ptr) => this.run(request, 'decrypt'),
    skcipher_alloc_instance_simple: (template: Ptr, table: Ptr) => this.simpleInstance(template, table),
  };

  private *setKey(tfm: Ptr, key: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const base = k.struct('crypto_skcipher').addr(tfm, 'base');
    const type = k.struct('skcipher_alg');
    const alg = this.algOf(base);
    if (length < type.get(alg, 'min_keysize') || length > type.get(alg, 'max_keysize')) return -EINVAL;
    const result = yield* type.call(alg, 'setkey', tfm, key, length);
    markKey(k, base, result === 0);
    return result;
  }

  private *run(request: Ptr, operation: 'encrypt' | 'decrypt'): Sleepable<number> {
    const { k } = this;
    const tfm = k.struct('skcipher_request').get(request, 'base.tfm');
    if (wantsKey(k, tfm)) return -ENOKEY;
    return yield* k.struct('skcipher_alg').call(this.algOf(tfm), operation, request);
  }

  private algOf(tfm: Ptr): Ptr {
    return this.k.struct('skcipher_alg').of(this.k.get(CryptoTfms).algorithmOf(tfm), 'base');
  }

  /** An instance of a block mode: the cipher's own sizes, and functions that hand a key to the cipher. */
  *simpleInstance(template: Ptr, table: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const { exports: attributes } = k.get(CryptoAttributes);
    const type = k.struct('skcipher_instance');
    const spawns = k.struct('crypto_cipher_spawn');
    const scratch = k.slab.allocateBytes(8, true);
    const refused = attributes.crypto_check_attr_type(table, TYPE_SKCIPHER, scratch);
    const mask = k.space.load32(scratch);
    k.slab.free(scratch);
    if (refused !== 0) return errPtr(-refused);
    const instance = k.slab.allocateBytes(type.size + spawns.size, true);
    if (instance === 0) return errPtr(ENOMEM);
    const own = type.addr(instance, 'alg.base');
    const spawn = spawns.addr(this.simpleSpawn(own), 'base');
    const name = attributes.crypto_attr_alg_name(k.space.loadPtr(table + 8));
    const result = yield* this.grabCipher(spawn, own, name, mask);
    const named = result === 0 ? this.nameInstance(template, own, spawn) : result;
    if (named !== 0) {
      k.get(CryptoSpawns).drop(spawn);
      k.slab.free(instance);
      return errPtr(-named);
    }
    this.fillSimple(instance, k.struct('crypto_spawn').get(spawn, 'alg'));
    return instance;
  }

  private grabCipher(spawn: Ptr, own: Ptr, name: Ptr, mask: number): Sleepable<number> {
    return this.k.get(CryptoSpawns).grab(spawn, own, name, TYPE_CIPHER, (mask | TYPE_MASK) >>> 0);
  }

  private nameInstance(template: Ptr, own: Ptr, spawn: Ptr): number {
    const name = this.k.struct('crypto_template').text(template, 'name');
    return this.k.get(CryptoAttributes).setName(own, name, this.k.struct('crypto_spawn').get(spawn, 'alg'));
  }

  private fillSimple(instance: Ptr, cipher: Ptr): void {
    const { k } = this;
    const type = k.struct('skcipher_instance');
    const from = k.struct('crypto_alg');
    for (const member of ['cra_blocksize', 'cra_alignmask', 'cra_priority'])
      type.set(instance, `alg.base.${member}`, from.get(cipher, member));
    type.set(instance, 'alg.base.cra_ctxsize', k.sizeOf('skcipher_ctx_simple'));
    type.set(instance, 'alg.min_keysize', from.get(cipher, 'cra_u.cipher.cia_min_keysize'));
    type.set(instance, 'alg.max_keysize', from.get(cipher, 'cra_u.cipher.cia_max_keysize'));
    type.set(instance, 'alg.ivsize', from.get(cipher, 'cra_blocksize'));
    type.bind(instance, 'free', 'skcipher_free_instance_simple', (at: Ptr) => this.freeSimple(at));
    type.bind(instance, 'alg.setkey', 'skcipher_setkey_simple', (tfm: Ptr, key: Ptr, length: number) =>
      k.get(Ciphers).setKey(this.cipherOf(tfm), key, length),
    );
    type.bind(instance, 'alg.init', 'skcipher_init_tfm_simple', (tfm: Ptr) => this.initSimple(tfm));
    type.bind(instance, 'alg.exit', 'skcipher_exit_tfm_simple', (tfm: Ptr) => {
      const cipher = this.cipherOf(tfm);
      return k.get(CryptoTfms).destroy(cipher, cipher);
    });
  }

  freeSimple(instance: Ptr): void {
    const own = this.k.struct('skcipher_instance').addr(instance, 'alg.base');
    this.k.get(CryptoSpawns).drop(this.k.struct('crypto_cipher_spawn').addr(this.simpleSpawn(own), 'base'));
    this.k.slab.free(instance);
  }

  private *initSimple(tfm: Ptr): Sleepable<number> {
    const { k } = this;
    const base = k.struct('crypto_skcipher').addr(tfm, 'base');
    const own = k.get(CryptoTfms).algorithmOf(base);
    const spawn = k.struct('crypto_cipher_spawn').addr(this.simpleSpawn(own), 'base');
    const cipher = yield* k.get(CryptoSpawns).transform(spawn, TYPE_CIPHER, TYPE_MASK);
    if (isErr(cipher)) return ptrErr(cipher);
    k.struct('skcipher_ctx_simple').set(k.get(CryptoTfms).contextOf(base), 'cipher', cipher);
    return 0;
  }

  /** struct crypto_cipher below a transformation of a simple instance. */
  cipherOf(tfm: Ptr): Ptr {
    const base = this.k.struct('crypto_skcipher').addr(tfm, 'base');
    return this.k.struct('skcipher_ctx_simple').get(this.k.get(CryptoTfms).contextOf(base), 'cipher');
  }

  /** The context behind a struct crypto_instance: its spawn. */
  private simpleSpawn(own: Ptr): Ptr {
    return this.k.struct('crypto_instance').addr(own, '__ctx');
  }
}
