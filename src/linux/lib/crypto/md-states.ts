import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { HashCore, HashState } from '../../../kernel/hash-cores.js';
import type { LinuxKernel } from '../../kernel.js';

/** Where a state struct has what: sha1_state, sha256_state, ... (include/crypto/sha1.h and its siblings). */
export interface StateLayout {
  readonly struct: string;
  readonly words: string;
  readonly count: string;
  readonly partial: string;
  /** Bytes of a word of the chaining value. */
  readonly wordBytes: 4 | 8;
  /** Whether even whole blocks pass through the buffer, and stay there. */
  readonly keepsBlocks?: boolean;
}

export const MD5_STATE: StateLayout = {
  struct: 'md5_state',
  words: 'hash',
  count: 'byte_count',
  partial: 'block',
  wordBytes: 4,
  keepsBlocks: true,
};
export const SHA1_STATE: StateLayout = {
  struct: 'sha1_state',
  words: 'state',
  count: 'count',
  partial: 'buffer',
  wordBytes: 4,
};
export const SHA256_STATE: StateLayout = {
  struct: 'sha256_state',
  words: 'state',
  count: 'count',
  partial: 'buf',
  wordBytes: 4,
};
export const SHA512_STATE: StateLayout = {
  struct: 'sha512_state',
  words: 'state',
  count: 'count',
  partial: 'buf',
  wordBytes: 8,
};

/** Hashes whose state is in guest memory as the kernel has it: modules look into it, and hand it on. */
export class GuestHashState {
  private readonly type: StructType;

  constructor(
    private readonly k: LinuxKernel,
    private readonly layout: StateLayout,
  ) {
    this.type = k.struct(layout.struct);
  }

  get bytes(): number {
    return this.type.size;
  }

  start(state: Ptr, core: HashCore): void {
    this.store(state, core.state());
  }

  update(state: Ptr, core: HashCore, data: Uint8Array): void {
    core.resume(this.load(state));
    core.update(data);
    const after = core.state();
    this.store(state, this.layout.keepsBlocks ? withLastBlock(after, data) : after);
  }

  /** The digest; the state is wiped. */
  finish(state: Ptr, core: HashCore, data: Uint8Array): Uint8Array {
    core.resume(this.load(state));
    core.update(data);
    this.k.space.writable(state, this.bytes).fill(0);
    return core.digest();
  }

  private load(state: Ptr): HashState {
    const { layout, type, k } = this;
    const words: number[] = [];
    const at = type.addr(state, layout.words);
    for (let i = 0; i < type.member(layout.words).size; i += layout.wordBytes) {
      if (layout.wordBytes === 8) words.push(k.space.loadInt32(at + i + 4));
      words.push(k.space.loadInt32(at + i));
    }
    return {
      words,
      length: k.space.loadU64(type.addr(state, layout.count)),
      partial: k.space.bytes.slice(...this.partial(state)),
    };
  }

  private store(state: Ptr, { words, length, partial }: HashState): void {
    const { layout, type, k } = this;
    const at = type.addr(state, layout.words);
    // Of 64-bit words the high half comes first, and is the second in memory.
    const swap = layout.wordBytes === 8 ? 1 : 0;
    words.forEach((word, i) => {
      k.space.store32(at + 4 * (i ^ swap), word >>> 0);
    });
    const count = type.addr(state, layout.count);
    k.space.writable(count, type.member(layout.count).size).fill(0);
    k.space.storeLong(count, length);
    k.space.bytes.set(partial, this.partial(state)[0]);
  }

  private partial(state: Ptr): readonly [from: Ptr, to: Ptr] {
    const { offset, size } = this.type.member(this.layout.partial);
    return [state + offset, state + offset + size];
  }
}

/** The buffer as it is where the last whole block of the data went through it. */
function withLastBlock(state: HashState, data: Uint8Array): HashState {
  const block = state.partial.length;
  const rest = state.length % block;
  const end = data.length - rest;
  if (end < block) return state;
  const partial = data.slice(end - block, end);
  partial.set(data.subarray(end));
  return { ...state, partial };
}
