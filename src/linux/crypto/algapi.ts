import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { EEXIST, EINVAL, ENOENT, ENOSYS } from '../errno.js';
import { errPtr, Oops } from '../errors.js';
import { type Holding, heldStructs } from '../holding.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';
import {
  CRYPTO_ALG_DEAD,
  FLAG_INTERNAL,
  FLAG_TESTED,
  MAX_ALGAPI_ALIGNMASK,
  MAX_ALGAPI_BLOCKSIZE,
  PAGE_EIGHTH,
  TYPE_AHASH,
  TYPE_CIPHER,
  TYPE_MASK,
} from './types.js';

/** Bytes of an algorithm's name with its NUL. */
const CRYPTO_MAX_ALG_NAME = 128;
/** Types that serve as asynchronous hashes: both kinds of hash. */
const AHASH_MASK = 0xe;

/** The list of algorithms: registration, lookup by name and priority (crypto/algapi.c, crypto/api.c). */
export class CryptoApi implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  /** struct crypto_alg of every registered algorithm, newest first. */
  private readonly algorithms: Ptr[] = [];
  /** Makes an algorithm of a name such as `cbc(aes)`, if it can be made. */
  instantiate?: (name: string, type: number, mask: number) => Sleepable<void>;
  /** Told of a name that no algorithm has; throws where the kernel has it and the base kernel does not. */
  unknown?: (name: string) => void;
  /** Tests a new algorithm. */
  test?: (alg: Ptr) => void;
  /** Told of an algorithm that goes, before it does. */
  removing?: (alg: Ptr) => void;
  /** Told that nothing refers to an algorithm that went. */
  released?: (alg: Ptr) => void;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_register_alg: (alg: Ptr) => this.register(alg),
    crypto_unregister_alg: (alg: Ptr) => this.unregister(alg),
    crypto_register_algs: (algs: Ptr, count: number) => this.registerArray(algs, count, 'crypto_alg'),
    crypto_unregister_algs: (algs: Ptr, count: number) => this.unregisterArray(algs, count, 'crypto_alg'),
    crypto_mod_get: (alg: Ptr) => (this.get(alg) ? alg : 0),
    crypto_mod_put: (alg: Ptr) => this.put(alg),
    crypto_has_alg: (name: Ptr, type: number, mask: number) => this.has(name, type, mask),
    crypto_has_ahash: (name: Ptr, type: number, mask: number) =>
      this.has(name, (type & ~TYPE_MASK) | TYPE_AHASH, (mask & ~TYPE_MASK) | AHASH_MASK),
    crypto_alg_mod_lookup: (name: Ptr, type: number, mask: number) => this.lookupExport(name, type, mask),
    crypto_register_notifier: (block: Ptr) => this.k.get(Notifiers).register(this.chain, block),
    crypto_unregister_notifier: (block: Ptr) => this.k.get(Notifiers).unregister(this.chain, block),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'crypto algorithm', struct: 'crypto_alg', name: 'cra_driver_name' },
      this.algorithms,
    );
  }

  readonly data = {
    crypto_alg_list: (at: Ptr) => list.init(this.k.space, at),
  };

  /** Registers struct crypto_alg: -EEXIST for a driver name that is taken, -EINVAL for impossible sizes. */
  *register(alg: Ptr): Sleepable<number> {
    const refused = this.check(alg);
    if (refused !== 0) return refused;
    const { k } = this;
    const type = k.struct('crypto_alg');
    const driver = type.text(alg, 'cra_driver_name');
    const name = type.text(alg, 'cra_name');
    for (const other of this.algorithms) {
      if (other === alg) return -EEXIST;
      const otherDriver = type.text(other, 'cra_driver_name');
      if (otherDriver === driver || otherDriver === name || type.text(other, 'cra_name') === driver)
        return -EEXIST;
    }
    type.set(alg, 'cra_refcnt.refs.counter', 1);
    type.set(alg, 'cra_flags', (type.get(alg, 'cra_flags') & ~CRYPTO_ALG_DEAD) | FLAG_TESTED);
    list.init(k.space, type.addr(alg, 'cra_users'));
    if (k.hasSymbol('crypto_alg_list'))
      list.add(k.space, type.addr(alg, 'cra_list'), k.symbol('crypto_alg_list'));
    this.k.origins.note(alg);
    this.algorithms.unshift(alg);
    this.test?.(alg);
    if (k.hasSymbol('crypto_chain'))
      yield* k.get(Notifiers).callChain(this.chain, k.enumValue('CRYPTO_MSG_ALG_LOADED'), alg);
    return 0;
  }

  *unregister(alg: Ptr): Sleepable<void> {
    const { k } = this;
    const at = this.algorithms.indexOf(alg);
    const type = k.struct('crypto_alg');
    if (at < 0) {
      const driver = type.text(alg, 'cra_driver_name');
      k.traps.warnWith(
        k.executor.current!,
        'warning',
        `Algorithm ${driver} is not registered`,
        'crypto/algapi.c:467',
        k.fn('crypto_unregister_alg'),
      );
      return;
    }
    if (type.get(alg, 'cra_refcnt.refs.counter') !== 1) {
      throw new Oops('bug', 'kernel BUG at crypto/algapi.c:471!', alg);
    }
    this.remove(alg);
    if (type.get(alg, 'cra_destroy') !== 0) yield* type.call(alg, 'cra_destroy', alg);
  }

  /** crypto_remove_alg(): out of the list, and with it what is built on it. */
  remove(alg: Ptr): void {
    this.delist(alg);
    this.removing?.(alg);
  }

  /** Nobody finds it any more. */
  delist(alg: Ptr): void {
    const type = this.k.struct('crypto_alg');
    this.algorithms.splice(this.algorithms.indexOf(alg), 1);
    list.delInit(this.k.space, type.addr(alg, 'cra_list'));
    type.set(alg, 'cra_flags', type.get(alg, 'cra_flags') | CRYPTO_ALG_DEAD);
  }

  /** Registers `count` algorithms of a container struct; on failure those before it are taken out again. */
  *registerArray(
    algs: Ptr,
    count: number,
    container: string,
    prepare = (_alg: Ptr): number => 0,
  ): Sleepable<number> {
    const size = this.k.sizeOf(container);
    for (let i = 0; i < count; i++) {
      const alg = algs + i * size;
      const prepared = prepare(alg);
      const result = prepared === 0 ? yield* this.register(this.baseOf(alg, container)) : prepared;
      if (result === 0) continue;
      for (let j = i - 1; j >= 0; j--) yield* this.unregister(this.baseOf(algs + j * size, container));
      return result;
    }
    return 0;
  }

  *unregisterArray(algs: Ptr, count: number, container: string): Sleepable<void> {
    const size = this.k.sizeOf(container);
    for (let i = count - 1; i >= 0; i--) yield* this.unregister(this.baseOf(algs + i * size, container));
  }

  /** struct crypto_alg within a container. */
  baseOf(alg: Ptr, container: string): Ptr {
    if (container === 'crypto_alg') return alg;
    const type = this.k.struct(container);
    return type.addr(alg, type.has('base') ? 'base' : 'halg.base');
  }

  /** A reference on an algorithm and its module. */
  get(alg: Ptr): boolean {
    const type = this.k.struct('crypto_alg');
    const module = type.get(alg, 'cra_module');
    if (!this.k.get(Modules).tryGet(module)) return false;
    type.set(alg, 'cra_refcnt.refs.counter', type.get(alg, 'cra_refcnt.refs.counter') + 1);
    return true;
  }

  put(alg: Ptr): void {
    const module = this.k.struct('crypto_alg').get(alg, 'cra_module');
    this.putAlgorithm(alg);
    this.k.get(Modules).putStruct(module);
  }

  /** crypto_alg_put(): a reference on the algorithm alone. */
  putAlgorithm(alg: Ptr): void {
    const type = this.k.struct('crypto_alg');
    const count = type.get(alg, 'cra_refcnt.refs.counter') - 1;
    type.set(alg, 'cra_refcnt.refs.counter', count);
    if (count === 0) this.released?.(alg);
  }

  /**
   * The best algorithm of a name, with a reference taken: an exact driver name wins, else the highest
   * priority. Modules that provide it are asked for first (request_module("crypto-NAME")). 0 if there is none.
   */
  *find(name: string, wanted: number, mask: number): Sleepable<Ptr> {
    const present = this.search(name, wanted, mask);
    if (present !== 0) return this.get(present) ? present : 0;
    yield* this.load(`crypto-${name}`);
    if (this.search(name, wanted, mask) === 0) yield* this.load(`crypto-${name}-all`);
    if (this.search(name, wanted, mask) === 0 && this.instantiate)
      yield* this.instantiate(name, wanted, mask);
    const loaded = this.search(name, wanted, mask);
    if (loaded === 0) this.unknown?.(name);
    return loaded !== 0 && this.get(loaded) ? loaded : 0;
  }

  /** request_module(). */
  *load(alias: string): Sleepable<void> {
    const request = this.k.get(Modules).requestModule;
    if (request) yield* request(alias);
  }

  private search(name: string, wanted: number, mask: number): Ptr {
    const type = this.k.struct('crypto_alg');
    let best = 0;
    let bestPriority = -2;
    for (const alg of this.algorithms) {
      const flags = type.get(alg, 'cra_flags');
      if (((flags ^ wanted) & mask & ~FLAG_INTERNAL) !== 0 || flags & CRYPTO_ALG_DEAD) continue;
      if (flags & FLAG_INTERNAL && !(mask & FLAG_INTERNAL)) continue;
      if (type.text(alg, 'cra_driver_name') === name) return alg;
      if (type.text(alg, 'cra_name') !== name || type.get(alg, 'cra_priority') <= bestPriority) continue;
      best = alg;
      bestPriority = type.get(alg, 'cra_priority');
    }
    return best;
  }

  /** crypto_check_alg(): 0, or -EINVAL for what cannot be. */
  check(alg: Ptr): number {
    const type = this.k.struct('crypto_alg');
    if (type.text(alg, 'cra_name') === '' || type.text(alg, 'cra_driver_name') === '') return -EINVAL;
    const alignmask = type.get(alg, 'cra_alignmask');
    if (alignmask & (alignmask + 1)) return -EINVAL;
    if (alignmask > MAX_ALGAPI_ALIGNMASK) return -EINVAL;
    if (type.get(alg, 'cra_blocksize') > PAGE_EIGHTH) return -EINVAL;
    const isCipher =
      type.get(alg, 'cra_type') === 0 && (type.get(alg, 'cra_flags') & TYPE_MASK) === TYPE_CIPHER;
    if (isCipher && type.get(alg, 'cra_blocksize') > MAX_ALGAPI_BLOCKSIZE) return -EINVAL;
    return type.get(alg, 'cra_priority') < 0 ? -EINVAL : 0;
  }

  private *has(name: Ptr, type: number, mask: number): Sleepable<number> {
    const alg = yield* this.find(this.name(name), type, mask);
    if (alg === 0) return 0;
    this.put(alg);
    return 1;
  }

  private *lookupExport(name: Ptr, type: number, mask: number): Sleepable<Ptr> {
    const alg = yield* this.find(this.name(name), type, mask);
    return alg === 0 ? errPtr(ENOENT) : alg;
  }

  private name(name: Ptr): string {
    return this.k.space.cstring(name).slice(0, CRYPTO_MAX_ALG_NAME);
  }

  private get chain(): Ptr {
    return this.k.symbol('crypto_chain');
  }
}

/** What an operation gives that an algorithm does not have. */
export const UNSUPPORTED = -ENOSYS;
