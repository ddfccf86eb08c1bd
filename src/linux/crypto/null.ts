import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { runNow } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import { isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoRegistration, SKCIPHER } from './registration.js';
import { Shash } from './shash.js';
import { SkcipherWalks } from './skcipher-walk.js';
import { CryptoTfms } from './tfm.js';
import { TYPE_CIPHER, TYPE_COMPRESS } from './types.js';

const SKCIPHER_PRIORITY = 100;

/** Algorithms that change nothing, where they are built into the kernel image (crypto/crypto_null.c). */
export class NullAlgorithms implements Subsystem {
  static readonly builtIn = ['CONFIG_CRYPTO_ALGAPI2', 'CONFIG_CRYPTO_NULL2'];

  /** The transformation that all share who copy by it, and how many they are. */
  private readonly shared = { tfm: 0, users: 0 };

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_get_default_null_skcipher: () => this.takeShared(),
    crypto_put_default_null_skcipher: () => this.putShared(),
  };

  boot(): void {
    this.addCipher();
    this.addCompression();
    this.addDigest();
    this.addSkcipher();
  }

  private addCipher(): void {
    const type = this.k.struct('crypto_alg');
    const alg = this.named('crypto_alg', 'cipher_null', 'cipher_null-generic');
    type.set(alg, 'cra_flags', TYPE_CIPHER);
    type.bind(alg, 'cra_u.cipher.cia_setkey', 'null_setkey', () => 0);
    for (const member of ['cia_encrypt', 'cia_decrypt'])
      type.bind(alg, `cra_u.cipher.${member}`, 'null_crypt', (_tfm: Ptr, out: Ptr, input: Ptr) =>
        this.copy(out, input, 1),
      );
    runNow(this.k.get(CryptoApi).register(alg));
  }

  private addCompression(): void {
    const { space } = this.k;
    const type = this.k.struct('crypto_alg');
    if (!type.has('cra_u.compress')) return;
    const alg = this.named('crypto_alg', 'compress_null', 'compress_null-generic');
    type.set(alg, 'cra_flags', TYPE_COMPRESS);
    for (const member of ['coa_compress', 'coa_decompress'])
      type.bind(
        alg,
        `cra_u.compress.${member}`,
        'null_compress',
        (_tfm: Ptr, data: Ptr, length: number, out: Ptr, outLength: Ptr) => {
          if (length > space.load32(outLength)) return -EINVAL;
          this.copy(out, data, length);
          space.store32(outLength, length);
          return 0;
        },
      );
    runNow(this.k.get(CryptoApi).register(alg));
  }

  private addDigest(): void {
    const type = this.k.struct('shash_alg');
    const alg = this.named('shash_alg', 'digest_null', 'digest_null-generic', 'base.');
    type.bind(alg, 'setkey', 'null_hash_setkey', () => 0);
    for (const member of ['init', 'update', 'finup', 'digest', 'final'])
      type.bind(alg, member, `null_${member}`, () => 0);
    runNow(this.k.get(Shash).register(alg));
  }

  private addSkcipher(): void {
    const type = this.k.struct('skcipher_alg');
    const alg = this.named('skcipher_alg', 'ecb(cipher_null)', 'ecb-cipher_null', 'base.');
    type.set(alg, 'base.cra_priority', SKCIPHER_PRIORITY);
    type.bind(alg, 'setkey', 'null_skcipher_setkey', () => 0);
    for (const member of ['encrypt', 'decrypt'])
      type.bind(alg, member, 'null_skcipher_crypt', (request: Ptr) => this.crypt(request));
    runNow(this.k.get(CryptoRegistration).register(alg, SKCIPHER));
  }

  /** Room for an algorithm's struct, with its names and a block of one byte. */
  private named(struct: string, name: string, driver: string, base = ''): Ptr {
    const type = this.k.struct(struct);
    const alg = this.k.permanent(type.size);
    type.setText(alg, `${base}cra_name`, name);
    type.setText(alg, `${base}cra_driver_name`, driver);
    type.set(alg, `${base}cra_blocksize`, 1);
    return alg;
  }

  private crypt(request: Ptr): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const walks = k.get(SkcipherWalks);
    const walk = k.slab.allocateBytes(type.size, true);
    let result = walks.start(walk, request);
    while (type.get(walk, 'nbytes') !== 0) {
      this.copy(type.get(walk, 'dst.virt.addr'), type.get(walk, 'src.virt.addr'), type.get(walk, 'nbytes'));
      result = walks.done(walk, 0);
    }
    k.slab.free(walk);
    return result;
  }

  private copy(to: Ptr, from: Ptr, bytes: number): void {
    const { space } = this.k;
    if (to !== from) space.writable(to, bytes).set(space.bytes.slice(from, from + bytes));
  }

  private *takeShared(): Sleepable<Ptr> {
    const { k, shared } = this;
    if (shared.users === 0) {
      const wanted = k.get(CryptoTfms);
      const tfm = yield* wanted.exports.crypto_alloc_sync_skcipher(
        k.constantString('ecb(cipher_null)'),
        0,
        0,
      );
      if (isErr(tfm)) return tfm;
      shared.tfm = tfm;
    }
    shared.users++;
    return shared.tfm;
  }

  private *putShared(): Sleepable<void> {
    const { k, shared } = this;
    if (--shared.users > 0) return;
    const { tfm } = shared;
    shared.tfm = 0;
    yield* k.get(CryptoTfms).destroy(tfm, k.struct('crypto_skcipher').addr(tfm, 'base'));
  }
}
