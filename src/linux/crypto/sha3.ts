import { keccakP } from '@noble/hashes/sha3.js';
import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import { runNow } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Shash } from './shash.js';

const STATE_BYTES = 200;
/** Digests in bytes, in the order of registration. */
const DIGESTS = [28, 32, 48, 64] as const;
/** What SHA-3 appends to the message, and sets in the last byte of the block (FIPS 202, B.2). */
const FIRST_PAD = 0x06;
const LAST_PAD = 0x80;

/** SHA-3, where it is built into the kernel image (crypto/sha3_generic.c): a sponge whose state is struct sha3_state. */
export class Sha3 implements Subsystem {
  static readonly builtIn = ['CONFIG_CRYPTO_ALGAPI2', 'CONFIG_CRYPTO_SHA3'];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_sha3_init: (desc: Ptr) => this.init(desc),
    crypto_sha3_update: (desc: Ptr, data: Ptr, length: number) => this.update(desc, data, length),
    crypto_sha3_final: (desc: Ptr, out: Ptr) => this.final(desc, out),
  };

  boot(): void {
    for (const bytes of DIGESTS) this.add(bytes);
  }

  private add(digestBytes: number): void {
    const { k } = this;
    const type = k.struct('shash_alg');
    const alg = k.permanent(type.size);
    const name = `sha3-${digestBytes * 8}`;
    type.setText(alg, 'base.cra_name', name);
    type.setText(alg, 'base.cra_driver_name', `${name}-generic`);
    type.set(alg, 'base.cra_blocksize', rateOf(digestBytes));
    type.set(alg, 'digestsize', digestBytes);
    type.set(alg, 'descsize', k.sizeOf('sha3_state'));
    for (const member of ['init', 'update', 'final']) type.set(alg, member, k.fn(`crypto_sha3_${member}`));
    runNow(k.get(Shash).register(alg));
  }

  private init(desc: Ptr): number {
    const { type } = this;
    const state = this.stateOf(desc);
    const rate = rateOf(this.digestBytes(desc));
    type.set(state, 'rsiz', rate);
    type.set(state, 'rsizw', rate / 8);
    type.set(state, 'partial', 0);
    this.k.space.writable(type.addr(state, 'st'), STATE_BYTES).fill(0);
    return 0;
  }

  private update(desc: Ptr, data: Ptr, length: number): number {
    if (length === 0) return 0;
    const { k, type } = this;
    const state = this.stateOf(desc);
    const buffer = type.addr(state, 'buf');
    const rate = type.get(state, 'rsiz');
    let partial = type.get(state, 'partial');
    for (let done = 0; done < length; ) {
      const bytes = Math.min(rate - partial, length - done);
      k.space
        .writable(buffer + partial, bytes)
        .set(k.space.readable(data, length).subarray(done, done + bytes));
      partial += bytes;
      done += bytes;
      if (partial < rate) break;
      this.absorb(state, rate);
      partial = 0;
    }
    type.set(state, 'partial', partial);
    return 0;
  }

  private final(desc: Ptr, out: Ptr): number {
    const { k, type } = this;
    const state = this.stateOf(desc);
    const rate = type.get(state, 'rsiz');
    const partial = type.get(state, 'partial');
    const block = k.space.writable(type.addr(state, 'buf'), rate);
    block.fill(0, partial);
    block[partial] = FIRST_PAD;
    block[rate - 1] |= LAST_PAD;
    this.absorb(state, rate);
    const bytes = this.digestBytes(desc);
    const at = type.addr(state, 'st');
    k.space.writable(out, bytes).set(k.space.bytes.slice(at, at + bytes));
    k.space.writable(state, type.size).fill(0);
    return 0;
  }

  /** The buffered block into the state. */
  private absorb(state: Ptr, rate: number): void {
    const { k, type } = this;
    const [at, buffer] = [type.addr(state, 'st'), type.addr(state, 'buf')];
    const bytes = k.space.bytes.slice(at, at + STATE_BYTES);
    const block = k.space.bytes.slice(buffer, buffer + rate);
    block.forEach((byte, i) => {
      bytes[i] ^= byte;
    });
    keccakP(new Uint32Array(bytes.buffer));
    k.space.writable(at, STATE_BYTES).set(bytes);
  }

  private stateOf(desc: Ptr): Ptr {
    return this.k.get(Shash).contextOf(desc);
  }

  private digestBytes(desc: Ptr): number {
    return this.k.get(Shash).digestSize(this.k.struct('shash_desc').get(desc, 'tfm'));
  }

  private get type(): StructType {
    return this.k.struct('sha3_state');
  }
}

/** Bytes of a block: the state without twice the digest. */
function rateOf(digestBytes: number): number {
  return STATE_BYTES - 2 * digestBytes;
}
