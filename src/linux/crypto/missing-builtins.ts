import { Unimplemented } from '../../kernel/errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { hasLinearCiphers } from './block-modes.js';
import { parseInstance } from './probe.js';

/** Algorithms and templates that come with an option of the kernel, and that the base kernel does not have. */
interface Missing {
  readonly option: string;
  /** Names of algorithms and drivers, without what a driver's name ends in (`-generic`); and of templates. */
  readonly names: RegExp;
  readonly unless?: (k: LinuxKernel) => boolean;
}

const MISSING: readonly Missing[] = [
  { option: 'CONFIG_CRYPTO_RSA', names: /^(rsa|pkcs1pad)$/ },
  { option: 'CONFIG_CRYPTO_DH', names: /^(dh|ffdhe\d+)$/ },
  { option: 'CONFIG_CRYPTO_ECDSA', names: /^ecdsa-nist-p\d+$/ },
  { option: 'CONFIG_CRYPTO_DRBG', names: /^(stdrng|drbg_\w+)$/ },
  { option: 'CONFIG_CRYPTO_JITTERENTROPY', names: /^jitterentropy_rng$/ },
  { option: 'CONFIG_CRYPTO_CRCT10DIF', names: /^crct10dif$/ },
  { option: 'CONFIG_CRYPTO_CRC64_ROCKSOFT', names: /^crc64-rocksoft$/ },
  { option: 'CONFIG_CRYPTO_CRC32C', names: /^crc32c$/ },
  { option: 'CONFIG_CRYPTO_CRC32', names: /^crc32$/ },
  { option: 'CONFIG_CRYPTO_ZSTD', names: /^zstd$/ },
  { option: 'CONFIG_CRYPTO_LZO', names: /^(lzo|lzo-rle|lzo-scomp|lzo-rle-scomp)$/ },
  { option: 'CONFIG_CRYPTO_DEFLATE', names: /^(deflate|zlib-deflate|deflate-scomp|zlib-deflate-scomp)$/ },
  { option: 'CONFIG_CRYPTO_CTR', names: /^(ctr|rfc3686)$/ },
  { option: 'CONFIG_CRYPTO_CBC', names: /^cbc$/, unless: (k) => !hasLinearCiphers(k) },
  { option: 'CONFIG_CRYPTO_ECB', names: /^ecb$/, unless: (k) => !hasLinearCiphers(k) },
];

/** What the real kernel finds built in and the base kernel has not: a lookup stops by name, and does not say that there is none. */
export class MissingBuiltins implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.k.get(CryptoApi).unknown = (name) => this.refuse(name);
  }

  private refuse(name: string): void {
    const { config } = this.k.target;
    const plain = (parseInstance(name)?.template ?? name).replace(/-generic$/, '');
    for (const { option, names, unless } of MISSING)
      if (config.get(option) === 'y' && names.test(plain) && !unless?.(this.k))
        throw new Unimplemented(`the algorithm ${name}, which is built into the kernel (${option})`, '');
  }
}
