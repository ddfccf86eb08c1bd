import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { type Position, ScatterWalks } from './scatterwalk.js';
import { CryptoTfms } from './tfm.js';

/** walk->flags: the step works on a copy, which goes back when it is done (SKCIPHER_WALK_SLOW). */
const SLOW = 2;

/**
 * Steps through a request's source and destination that a cipher can work on: whole blocks, aligned, in one page on
 * either side; a copy where a block crosses pages or is not aligned (crypto/skcipher.c).
 */
export class SkcipherWalks implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    skcipher_walk_virt: (walk: Ptr, request: Ptr) => this.start(walk, request),
    skcipher_walk_done: (walk: Ptr, result: number) => this.done(walk, result),
    skcipher_walk_aead_encrypt: (walk: Ptr, request: Ptr) =>
      this.startAead(walk, request, this.k.struct('aead_request').get(request, 'cryptlen')),
    skcipher_walk_aead_decrypt: (walk: Ptr, request: Ptr) => {
      const requests = this.k.struct('aead_request');
      const tfm = this.k.struct('crypto_aead').of(requests.get(request, 'base.tfm'), 'base');
      const tag = this.k.struct('crypto_aead').get(tfm, 'authsize');
      return this.startAead(walk, request, requests.get(request, 'cryptlen') - tag);
    },
  };

  /** Sets a struct skcipher_walk to the first step of a request; a negative errno where there is none. */
  start(walk: Ptr, request: Ptr): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const requests = k.struct('skcipher_request');
    const alg = k.get(CryptoTfms).algorithmOf(requests.get(request, 'base.tfm'));
    const algs = k.struct('skcipher_alg');
    const outer = algs.of(alg, 'base');
    this.prepare(walk, requests.get(request, 'iv'), requests.get(request, 'cryptlen'), alg);
    type.set(walk, 'ivsize', algs.get(outer, 'ivsize'));
    type.set(walk, 'stride', algs.get(outer, 'walksize'));
    return this.begin(walk, requests.get(request, 'src'), requests.get(request, 'dst'), 0);
  }

  private startAead(walk: Ptr, request: Ptr, total: number): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const requests = k.struct('aead_request');
    const alg = k.get(CryptoTfms).algorithmOf(requests.get(request, 'base.tfm'));
    const algs = k.struct('aead_alg');
    const outer = algs.of(alg, 'base');
    this.prepare(walk, requests.get(request, 'iv'), total, alg);
    type.set(walk, 'ivsize', algs.get(outer, 'ivsize'));
    type.set(walk, 'stride', algs.get(outer, 'chunksize'));
    const skip = requests.get(request, 'assoclen');
    return this.begin(walk, requests.get(request, 'src'), requests.get(request, 'dst'), skip);
  }

  private prepare(walk: Ptr, iv: Ptr, total: number, alg: Ptr): void {
    const type = this.k.struct('skcipher_walk');
    const algs = this.k.struct('crypto_alg');
    type.set(walk, 'total', total);
    type.set(walk, 'nbytes', 0);
    type.set(walk, 'iv', iv);
    type.set(walk, 'oiv', iv);
    type.set(walk, 'flags', 0);
    type.set(walk, 'page', 0);
    type.set(walk, 'buffer', 0);
    type.set(walk, 'blocksize', algs.get(alg, 'cra_blocksize'));
    type.set(walk, 'alignmask', algs.get(alg, 'cra_alignmask'));
  }

  private begin(walk: Ptr, source: Ptr, destination: Ptr, skip: number): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    if (type.get(walk, 'total') === 0) return 0;
    const walks = k.get(ScatterWalks);
    for (const [member, sg] of [
      ['in', source],
      ['out', destination],
    ] as const) {
      const position = walks.start(sg);
      this.advance(position, skip, true);
      walks.store(type.addr(walk, member), position);
    }
    return this.next(walk);
  }

  /** The next step: what fits on both sides, down to whole strides while there is more than one. */
  private next(walk: Ptr): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const walks = k.get(ScatterWalks);
    const [input, output] = this.positions(walk);
    const total = type.get(walk, 'total');
    const blocksize = type.get(walk, 'blocksize');
    const wanted = Math.min(type.get(walk, 'stride'), Math.max(total, blocksize));
    const fits = Math.min(total, walks.pageLeft(input), walks.pageLeft(output));
    const alignmask = type.get(walk, 'alignmask');
    const [from, to] = [walks.memory(input), walks.memory(output)];
    if (fits < wanted && total < blocksize) return this.finish(walk, -EINVAL);
    if (fits < wanted || ((from | to) & alignmask) !== 0) {
      const bytes = fits < wanted ? Math.min(wanted, total) : fits;
      return this.copyStep(walk, input, bytes);
    }
    type.set(walk, 'flags', type.get(walk, 'flags') & ~SLOW);
    type.set(walk, 'src.virt.addr', from);
    type.set(walk, 'dst.virt.addr', to);
    type.set(walk, 'nbytes', fits);
    return 0;
  }

  private copyStep(walk: Ptr, input: Position, bytes: number): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const buffer = k.slab.allocateBytes(Math.max(bytes, type.get(walk, 'alignmask') + 1), true);
    if (buffer === 0) return this.finish(walk, -ENOMEM);
    const from = { ...input };
    this.pieces(from, bytes, (at, length, done) => {
      k.space.bytes.copyWithin(buffer + done, at, at + length);
    });
    type.set(walk, 'flags', type.get(walk, 'flags') | SLOW);
    type.set(walk, 'buffer', buffer);
    type.set(walk, 'src.virt.addr', buffer);
    type.set(walk, 'dst.virt.addr', buffer);
    type.set(walk, 'nbytes', bytes);
    return 0;
  }

  /** `result`: how many bytes of the step the cipher left, or an error. */
  done(walk: Ptr, result: number): number {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const step = type.get(walk, 'nbytes');
    if (step === 0) return this.finish(walk, Math.min(result, 0));
    const isSlow = (type.get(walk, 'flags') & SLOW) !== 0;
    const used = result >= 0 ? step - result : 0;
    const error = isSlow && result > 0 ? -EINVAL : Math.min(result, 0);
    const [input, output] = this.positions(walk);
    const total = error === 0 ? type.get(walk, 'total') - used : 0;
    if (isSlow) this.giveBack(walk, output, error === 0 ? used : 0);
    if (error !== 0) return this.finish(walk, error);
    const walks = k.get(ScatterWalks);
    this.advance(input, used, total > 0);
    this.advance(output, used, total > 0);
    walks.store(type.addr(walk, 'in'), input);
    walks.store(type.addr(walk, 'out'), output);
    type.set(walk, 'total', total);
    type.set(walk, 'nbytes', 0);
    return total > 0 ? this.next(walk) : this.finish(walk, 0);
  }

  private giveBack(walk: Ptr, output: Position, bytes: number): void {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const buffer = type.get(walk, 'buffer');
    this.pieces({ ...output }, bytes, (at, length, done) => {
      k.space.writable(at, length).set(k.space.bytes.slice(buffer + done, buffer + done + length));
    });
    k.slab.free(buffer);
    type.set(walk, 'buffer', 0);
  }

  private finish(walk: Ptr, result: number): number {
    const type = this.k.struct('skcipher_walk');
    type.set(walk, 'total', 0);
    type.set(walk, 'nbytes', 0);
    return result;
  }

  private positions(walk: Ptr): readonly [Position, Position] {
    const type = this.k.struct('skcipher_walk');
    const walks = this.k.get(ScatterWalks);
    return [walks.load(type.addr(walk, 'in')), walks.load(type.addr(walk, 'out'))];
  }

  private advance(position: Position, bytes: number, more: boolean): void {
    this.pieces(position, bytes, () => {}, more);
  }

  /** Moves on, page by page; into the next entry at the end only where more is to come. */
  private pieces(
    position: Position,
    bytes: number,
    visit: (at: Ptr, length: number, done: number) => void,
    more = false,
  ): void {
    const walks = this.k.get(ScatterWalks);
    for (let done = 0; done < bytes; ) {
      const length = Math.min(walks.pageLeft(position), bytes - done);
      visit(walks.memory(position), length, done);
      done += length;
      walks.advance(position, length, more || done < bytes);
    }
  }
}
