import type { Ptr } from '../../cpu/layout.js';
import { Md5 } from '../../kernel/hash-cores.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const WORDS = 4;
const BITS = 8;

/** MD5 (sys/kern/md5c.c): the state is in the caller's MD5_CTX, so that it can be copied. */
export class Md5Hash implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    MD5Init: (context: Ptr) => this.save(context, new Md5()),
    MD5Update: (context: Ptr, data: Ptr, bytes: number) => {
      const hash = this.load(context);
      if (bytes > 0) hash.update(this.k.space.readable(data, bytes).slice());
      this.save(context, hash);
    },
    MD5Final: (digest: Ptr, context: Ptr) => {
      const bytes = this.load(context).digest();
      this.k.space.writable(digest, bytes.length).set(bytes);
      this.k.space.writable(context, this.type.size).fill(0);
    },
  };

  private get type() {
    return this.k.struct('MD5Context');
  }

  private load(context: Ptr): InstanceType<typeof Md5> {
    const { space } = this.k;
    const hash = new Md5();
    const state = this.type.addr(context, 'state');
    const words = Array.from({ length: WORDS }, (_, i) => space.load32(state + 4 * i));
    const length = Number(space.load64(this.type.addr(context, 'count'))) / BITS;
    const { size } = this.type.member('buffer');
    hash.resume({ words, length, partial: space.readable(this.type.addr(context, 'buffer'), size).slice() });
    return hash;
  }

  private save(context: Ptr, hash: InstanceType<typeof Md5>): void {
    const { space } = this.k;
    const { words, length, partial } = hash.state();
    const state = this.type.addr(context, 'state');
    for (const [i, word] of words.entries()) space.store32(state + 4 * i, word >>> 0);
    space.store64(this.type.addr(context, 'count'), BigInt(length) * BigInt(BITS));
    space.writable(this.type.addr(context, 'buffer'), partial.length).set(partial);
  }
}
