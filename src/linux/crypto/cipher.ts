import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoTfms } from './tfm.js';

/** Single blocks and compression: the kinds whose operations are in struct crypto_alg (crypto/cipher.c, compress.c). */
export class Ciphers implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_cipher_setkey: (cipher: Ptr, key: Ptr, length: number) => this.setKey(cipher, key, length),
    crypto_cipher_encrypt_one: (cipher: Ptr, out: Ptr, input: Ptr) =>
      this.one(cipher, out, input, 'cia_encrypt'),
    crypto_cipher_decrypt_one: (cipher: Ptr, out: Ptr, input: Ptr) =>
      this.one(cipher, out, input, 'cia_decrypt'),
    crypto_comp_compress: (tfm: Ptr, src: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(tfm, 'coa_compress', src, length, out, outLength),
    crypto_comp_decompress: (tfm: Ptr, src: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(tfm, 'coa_decompress', src, length, out, outLength),
  };

  *setKey(cipher: Ptr, key: Ptr, length: number): Sleepable<number> {
    const alg = this.k.get(CryptoTfms).algorithmOf(cipher);
    const type = this.k.struct('crypto_alg');
    if (
      length < type.get(alg, 'cra_u.cipher.cia_min_keysize') ||
      length > type.get(alg, 'cra_u.cipher.cia_max_keysize')
    )
      return -EINVAL;
    return yield* type.call(alg, 'cra_u.cipher.cia_setkey', cipher, key, length);
  }

  /** One block. */
  *one(cipher: Ptr, out: Ptr, input: Ptr, operation: 'cia_encrypt' | 'cia_decrypt'): Sleepable<void> {
    const alg = this.k.get(CryptoTfms).algorithmOf(cipher);
    yield* this.k.struct('crypto_alg').call(alg, `cra_u.cipher.${operation}`, cipher, out, input);
  }

  private *compress(
    tfm: Ptr,
    operation: 'coa_compress' | 'coa_decompress',
    src: Ptr,
    length: number,
    out: Ptr,
    outLength: Ptr,
  ): Sleepable<number> {
    const alg = this.k.get(CryptoTfms).algorithmOf(tfm);
    const type = this.k.struct('crypto_alg');
    return yield* type.call(alg, `cra_u.compress.${operation}`, tfm, src, length, out, outLength);
  }
}
