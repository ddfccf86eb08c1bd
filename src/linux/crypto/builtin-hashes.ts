import type { Ptr } from '../../cpu/layout.js';
import { runNow } from '../../kernel/effects.js';
import { type HashCore, Md5, Sha1, Sha224, Sha256, Sha384, Sha512 } from '../../kernel/hash-cores.js';
import type { LinuxKernel } from '../kernel.js';
import {
  GuestHashState,
  MD5_STATE,
  SHA1_STATE,
  SHA256_STATE,
  SHA512_STATE,
  type StateLayout,
} from '../lib/crypto/md-states.js';
import type { Subsystem } from '../subsystem.js';
import { Shash } from './shash.js';

interface Algorithm {
  readonly name: string;
  readonly digestBytes: number;
  /** Its initial value, and how it goes on. */
  readonly core: new () => HashCore;
}

/** Algorithms that differ in their initial value and the length of their digest, and share the rest. */
interface Family {
  /** What has to be y. */
  readonly option: string;
  readonly layout: StateLayout;
  readonly blockBytes: number;
  readonly priority: number;
  /** Names of the kernel's functions: `crypto_sha1` has crypto_sha1_update. */
  readonly prefix: string;
  readonly algorithms: readonly Algorithm[];
}

/** Priorities, block sizes and order of registration are those of crypto/md5.c, sha1_generic.c, sha256_generic.c, sha512_generic.c. */
const FAMILIES: readonly Family[] = [
  {
    option: 'CONFIG_CRYPTO_MD5',
    layout: MD5_STATE,
    blockBytes: 64,
    priority: 0,
    prefix: 'md5',
    algorithms: [{ name: 'md5', digestBytes: 16, core: Md5 }],
  },
  {
    option: 'CONFIG_CRYPTO_SHA1',
    layout: SHA1_STATE,
    blockBytes: 64,
    priority: 100,
    prefix: 'crypto_sha1',
    algorithms: [{ name: 'sha1', digestBytes: 20, core: Sha1 }],
  },
  {
    option: 'CONFIG_CRYPTO_SHA256',
    layout: SHA256_STATE,
    blockBytes: 64,
    priority: 100,
    prefix: 'crypto_sha256',
    algorithms: [
      { name: 'sha256', digestBytes: 32, core: Sha256 },
      { name: 'sha224', digestBytes: 28, core: Sha224 },
    ],
  },
  {
    option: 'CONFIG_CRYPTO_SHA512',
    layout: SHA512_STATE,
    blockBytes: 128,
    priority: 100,
    prefix: 'crypto_sha512',
    algorithms: [
      { name: 'sha512', digestBytes: 64, core: Sha512 },
      { name: 'sha384', digestBytes: 48, core: Sha384 },
    ],
  },
];

const NOTHING = new Uint8Array();

/** Hashes that are built into the kernel image, as its configuration says; the others are modules. */
export class BuiltinHashes implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  // Drivers with instructions of their own fall back on these.
  readonly exports = {
    crypto_sha1_update: (desc: Ptr, data: Ptr, length: number) =>
      this.update('crypto_sha1', desc, data, length),
    crypto_sha1_finup: (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.finup('crypto_sha1', desc, data, length, out),
    crypto_sha256_update: (desc: Ptr, data: Ptr, length: number) =>
      this.update('crypto_sha256', desc, data, length),
    crypto_sha256_finup: (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.finup('crypto_sha256', desc, data, length, out),
    crypto_sha512_update: (desc: Ptr, data: Ptr, length: number) =>
      this.update('crypto_sha512', desc, data, length),
    crypto_sha512_finup: (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.finup('crypto_sha512', desc, data, length, out),
  };

  boot(): void {
    for (const family of FAMILIES)
      if (this.k.target.config.get(family.option) === 'y')
        for (const algorithm of family.algorithms) this.add(family, algorithm);
  }

  private add(family: Family, { name, digestBytes, core }: Algorithm): void {
    const { k } = this;
    const { prefix } = family;
    const type = k.struct('shash_alg');
    const alg = k.permanent(type.size);
    const state = this.stateOf(family);
    type.setText(alg, 'base.cra_name', name);
    type.setText(alg, 'base.cra_driver_name', `${name}-generic`);
    type.set(alg, 'base.cra_priority', family.priority);
    type.set(alg, 'base.cra_blocksize', family.blockBytes);
    type.set(alg, 'digestsize', digestBytes);
    type.set(alg, 'descsize', state.bytes);
    type.bind(alg, 'init', `${name}_base_init`, (desc: Ptr) => {
      state.start(this.contextOf(desc), new core());
      return 0;
    });
    type.bind(alg, 'final', `${prefix}_final`, (desc: Ptr, out: Ptr) => this.finup(prefix, desc, 0, 0, out));
    const [update, finup] = [`${prefix}_update`, `${prefix}_finup`];
    if (update in this.exports) {
      type.set(alg, 'update', k.fn(update));
      type.set(alg, 'finup', k.fn(finup));
    } else
      type.bind(alg, 'update', update, (desc: Ptr, data: Ptr, length: number) =>
        this.update(prefix, desc, data, length),
      );
    runNow(k.get(Shash).register(alg));
  }

  private update(prefix: string, desc: Ptr, data: Ptr, length: number): number {
    const family = familyOf(prefix);
    const core = new family.algorithms[0].core();
    this.stateOf(family).update(this.contextOf(desc), core, this.bytes(data, length));
    return 0;
  }

  private finup(prefix: string, desc: Ptr, data: Ptr, length: number, out: Ptr): number {
    const { k } = this;
    const family = familyOf(prefix);
    const bytes = k.get(Shash).digestSize(k.struct('shash_desc').get(desc, 'tfm'));
    const core = new family.algorithms[0].core();
    const digest = this.stateOf(family).finish(this.contextOf(desc), core, this.bytes(data, length));
    k.space.writable(out, bytes).set(digest.subarray(0, bytes));
    return 0;
  }

  private bytes(data: Ptr, length: number): Uint8Array {
    return length === 0 ? NOTHING : this.k.space.readable(data, length);
  }

  private contextOf(desc: Ptr): Ptr {
    return this.k.struct('shash_desc').addr(desc, '__ctx');
  }

  private stateOf({ layout }: Family): GuestHashState {
    let state = this.states.get(layout);
    if (!state) {
      state = new GuestHashState(this.k, layout);
      this.states.set(layout, state);
    }
    return state;
  }

  private readonly states = new Map<StateLayout, GuestHashState>();
}

function familyOf(prefix: string): Family {
  return FAMILIES.find((family) => family.prefix === prefix)!;
}
