import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOKEY } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { markKey, wantsKey } from './key-state.js';
import { CryptoTfms } from './tfm.js';

/** Encryption with authentication (crypto/aead.c, Documentation/crypto/api-aead.rst). */
export class Aeads implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_aead_setkey: (tfm: Ptr, key: Ptr, length: number) => this.setKey(tfm, key, length),
    crypto_aead_setauthsize: (tfm: Ptr, size: number) => this.setAuthSize(tfm, size),
    crypto_aead_encrypt: (request: Ptr) => this.run(request, 'encrypt'),
    crypto_aead_decrypt: (request: Ptr) => this.run(request, 'decrypt'),
  };

  private *setKey(tfm: Ptr, key: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const base = k.struct('crypto_aead').addr(tfm, 'base');
    const result = yield* k.struct('aead_alg').call(this.algOf(base), 'setkey', tfm, key, length);
    markKey(k, base, result === 0);
    return result;
  }

  private *setAuthSize(tfm: Ptr, size: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('aead_alg');
    const alg = this.algOf(k.struct('crypto_aead').addr(tfm, 'base'));
    const most = type.get(alg, 'maxauthsize');
    if ((size === 0 && most !== 0) || size > most) return -EINVAL;
    const result = type.get(alg, 'setauthsize') === 0 ? 0 : yield* type.call(alg, 'setauthsize', tfm, size);
    if (result === 0) k.struct('crypto_aead').set(tfm, 'authsize', size);
    return result;
  }

  private *run(request: Ptr, operation: 'encrypt' | 'decrypt'): Sleepable<number> {
    const { k } = this;
    const requests = k.struct('aead_request');
    const base = requests.get(request, 'base.tfm');
    if (wantsKey(k, base)) return -ENOKEY;
    const tag = k.struct('crypto_aead').get(k.struct('crypto_aead').of(base, 'base'), 'authsize');
    if (operation === 'decrypt' && requests.get(request, 'cryptlen') < tag) return -EINVAL;
    return yield* k.struct('aead_alg').call(this.algOf(base), operation, request);
  }

  private algOf(tfm: Ptr): Ptr {
    return this.k.struct('aead_alg').of(this.k.get(CryptoTfms).algorithmOf(tfm), 'base');
  }
}
