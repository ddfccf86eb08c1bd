import type { Ptr } from '../../cpu/layout.js';
import { runNow } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Aes } from './aes.js';
import { CryptoApi } from './algapi.js';
import { CryptoTfms } from './tfm.js';
import { TYPE_CIPHER } from './types.js';

const BLOCK_BYTES = 16;
const PRIORITY = 100;
const SHORTEST_KEY = 16;
const AES_MAX_KEY_SIZE = 32;

/** The single-block cipher `aes`, where it is built into the kernel image (crypto/aes_generic.c). */
export class AesGeneric implements Subsystem {
  static readonly builtIn = ['CONFIG_CRYPTO_ALGAPI2', 'CONFIG_CRYPTO_AES'];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_aes_set_key: (tfm: Ptr, key: Ptr, length: number) =>
      this.k.get(Aes).expand(this.contextOf(tfm), key, length),
  };

  boot(): void {
    const { k } = this;
    const type = k.struct('crypto_alg');
    const alg = k.permanent(type.size);
    type.setText(alg, 'cra_name', 'aes');
    type.setText(alg, 'cra_driver_name', 'aes-generic');
    type.set(alg, 'cra_priority', PRIORITY);
    type.set(alg, 'cra_flags', TYPE_CIPHER);
    type.set(alg, 'cra_blocksize', BLOCK_BYTES);
    type.set(alg, 'cra_ctxsize', k.sizeOf('crypto_aes_ctx'));
    type.set(alg, 'cra_u.cipher.cia_min_keysize', SHORTEST_KEY);
    type.set(alg, 'cra_u.cipher.cia_max_keysize', AES_MAX_KEY_SIZE);
    type.set(alg, 'cra_u.cipher.cia_setkey', k.fn('crypto_aes_set_key'));
    type.bind(alg, 'cra_u.cipher.cia_encrypt', 'crypto_aes_encrypt', (tfm: Ptr, out: Ptr, input: Ptr) =>
      k.get(Aes).encrypt(this.contextOf(tfm), out, input),
    );
    type.bind(alg, 'cra_u.cipher.cia_decrypt', 'crypto_aes_decrypt', (tfm: Ptr, out: Ptr, input: Ptr) =>
      k.get(Aes).decrypt(this.contextOf(tfm), out, input),
    );
    runNow(k.get(CryptoApi).register(alg));
  }

  private contextOf(tfm: Ptr): Ptr {
    return this.k.get(CryptoTfms).contextOf(tfm);
  }
}
