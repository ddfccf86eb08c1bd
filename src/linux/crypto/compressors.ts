import type { Ptr } from '../../cpu/layout.js';
import { runNow } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { LZO_E_OK, lzo1xCompress, lzo1xDecompress } from '../lib/lzo/lzo1x.js';
import { deflateAll, inflateAll } from '../lib/zlib/at-once.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { TYPE_COMPRESS } from './types.js';

/** The window and level of `deflate` (crypto/deflate.c). */
const WINDOW_BITS = 11;
const DEFAULT_LEVEL = -1;

type Operation = (data: Ptr, length: number, out: Ptr, outLength: Ptr) => number;

/** Compression algorithms that are built into the kernel image (crypto/deflate.c, crypto/lzo.c). */
export class BuiltinCompressors implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    if (k.target.config.get('CONFIG_CRYPTO_DEFLATE') === 'y')
      this.add(
        'deflate',
        (...args) => this.deflate(...args),
        (...args) => this.inflate(...args),
      );
    if (k.target.config.get('CONFIG_CRYPTO_LZO') === 'y')
      this.add(
        'lzo',
        (...args) => this.lzo(...args),
        (...args) => this.unlzo(...args),
      );
  }

  private add(name: string, compress: Operation, decompress: Operation): void {
    const { k } = this;
    const type = k.struct('crypto_alg');
    if (!type.has('cra_u.compress')) return;
    const alg = k.permanent(type.size);
    type.setText(alg, 'cra_name', name);
    type.setText(alg, 'cra_driver_name', `${name}-generic`);
    type.set(alg, 'cra_flags', TYPE_COMPRESS);
    const bind = (member: string, fn: Operation): void => {
      // The transformation comes first; these keep nothing in it.
      const host = (_tfm: Ptr, data: Ptr, length: number, out: Ptr, outLength: Ptr): number =>
        fn(data, length, out, outLength);
      type.bind(alg, `cra_u.compress.coa_${member}`, `${name}_${member}`, host);
    };
    bind('compress', compress);
    bind('decompress', decompress);
    runNow(k.get(CryptoApi).register(alg));
  }

  private deflate(data: Ptr, length: number, out: Ptr, outLength: Ptr): number {
    const { space } = this.k;
    const room = space.load32(outLength);
    const packed = deflateAll(space.readable(data, length), room, DEFAULT_LEVEL, WINDOW_BITS);
    return packed === undefined ? -EINVAL : this.give(packed, out, outLength);
  }

  private inflate(data: Ptr, length: number, out: Ptr, outLength: Ptr): number {
    const { space } = this.k;
    const plain = inflateAll(space.readable(data, length), space.load32(outLength), WINDOW_BITS);
    return plain === undefined ? -EINVAL : this.give(plain, out, outLength);
  }

  /** *outLength: the room there is, then what was used. */
  private give(bytes: Uint8Array, out: Ptr, outLength: Ptr): number {
    const { space } = this.k;
    if (bytes.length > space.load32(outLength)) return -EINVAL;
    space.writable(out, bytes.length).set(bytes);
    space.store32(outLength, bytes.length);
    return 0;
  }

  private lzo(data: Ptr, length: number, out: Ptr, outLength: Ptr): number {
    return this.give(lzo1xCompress(this.k.space.readable(data, length)), out, outLength);
  }

  private unlzo(data: Ptr, length: number, out: Ptr, outLength: Ptr): number {
    const { space } = this.k;
    const plain = new Uint8Array(space.load32(outLength));
    const done = lzo1xDecompress(space.readable(data, length), plain);
    return done.result === LZO_E_OK ? this.give(plain.subarray(0, done.length), out, outLength) : -EINVAL;
  }
}
