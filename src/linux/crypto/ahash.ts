import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { EAGAIN, EBUSY, EINPROGRESS, ENOKEY } from '../errno.js';
import { isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi, UNSUPPORTED } from './algapi.js';
import { CryptoTypes } from './frontends.js';
import { markKey, wantsKey } from './key-state.js';
import { ScatterWalks } from './scatterwalk.js';
import { Shash } from './shash.js';
import { CryptoTfms } from './tfm.js';
import { FLAG_OPTIONAL_KEY, TFM_NEED_KEY, TYPE_AHASH, TYPE_MASK } from './types.js';

/** What can be asked of a struct ahash_request, beside export and import. */
type Operation = 'init' | 'update' | 'final' | 'finup' | 'digest';
const OPERATIONS: readonly Operation[] = ['init', 'update', 'final', 'finup', 'digest'];

/**
 * Asynchronous hashes: over scatterlists, of an algorithm of their own kind or of a synchronous one, which then finishes before the
 * call returns (crypto/ahash.c). Older kernels keep the operations in struct crypto_ahash, where inline functions call them.
 */
export class Ahashes implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_ahash_setkey: (hash: Ptr, key: Ptr, length: number) => this.setKey(hash, key, length),
    crypto_ahash_init: (request: Ptr) => this.ask(request, 'init', true),
    crypto_ahash_update: (request: Ptr) => this.ask(request, 'update', false),
    crypto_ahash_final: (request: Ptr) => this.ask(request, 'final', false),
    crypto_ahash_finup: (request: Ptr) => this.ask(request, 'finup', false),
    crypto_ahash_digest: (request: Ptr) => this.ask(request, 'digest', true),
    crypto_ahash_export: (request: Ptr, state: Ptr) => this.export(request, state),
    crypto_ahash_import: (request: Ptr, state: Ptr) => this.import(request, state),
    crypto_hash_alg_has_setkey: (common: Ptr) => this.hasSetkey(common),
    shash_ahash_update: (request: Ptr, desc: Ptr) => this.feed(request, desc),
    shash_ahash_finup: (request: Ptr, desc: Ptr) => this.feedLast(request, desc),
    shash_ahash_digest: (request: Ptr, desc: Ptr) => this.feedAll(request, desc),
  };

  boot(): void {
    this.k.get(CryptoTfms).startHash = (hash, alg) => this.start(hash, alg);
  }

  /** crypto_ahash_init_tfm() */
  private *start(hash: Ptr, alg: Ptr): Sleepable<number> {
    const { k } = this;
    const view = k.struct('crypto_ahash');
    const tfm = view.addr(hash, 'base');
    const own = this.isOwn(alg);
    if (view.has('statesize')) view.set(hash, 'statesize', this.stateSize(alg));
    if (view.has('setkey')) view.bind(hash, 'setkey', 'ahash_nosetkey', () => UNSUPPORTED);
    if (!own) return yield* this.startOver(hash, alg);
    const algs = k.struct('ahash_alg');
    const outer = algs.of(alg, 'halg.base');
    if (view.has('init')) {
      for (const member of [...OPERATIONS, 'export', 'import'])
        view.set(hash, member, algs.get(outer, member));
      if (view.get(hash, 'finup') === 0)
        view.bind(hash, 'finup', 'ahash_def_finup', (request: Ptr) => this.finupInSteps(request));
      if (algs.get(outer, 'setkey') !== 0) view.set(hash, 'setkey', algs.get(outer, 'setkey'));
    } else if (k.struct('crypto_alg').has('cra_reqsize'))
      view.set(hash, 'reqsize', k.struct('crypto_alg').get(alg, 'cra_reqsize'));
    if (this.needsKey(alg)) k.struct('crypto_tfm').set(tfm, 'crt_flags', TFM_NEED_KEY);
    if (algs.get(outer, 'exit_tfm') !== 0)
      k.struct('crypto_tfm').bind(tfm, 'exit', 'crypto_ahash_exit_tfm', (at: Ptr) =>
        algs.call(this.algOf(at), 'exit_tfm', view.of(at, 'base')),
      );
    return algs.get(outer, 'init_tfm') === 0 ? 0 : yield* algs.call(outer, 'init_tfm', hash);
  }

  /** Over a synchronous hash: a transformation of that is the context, its descriptor the request's. */
  private *startOver(hash: Ptr, alg: Ptr): Sleepable<number> {
    const { k } = this;
    const view = k.struct('crypto_ahash');
    const tfm = view.addr(hash, 'base');
    const tfms = k.get(CryptoTfms);
    if (!k.get(CryptoApi).get(alg)) return -EAGAIN;
    const inner = yield* tfms.create(alg, k.get(CryptoTypes).of('crypto_shash_type'));
    if (isErr(inner)) {
      k.get(CryptoApi).put(alg);
      return ptrErr(inner);
    }
    k.space.storePtr(tfms.contextOf(tfm), inner);
    const shash = k.struct('crypto_shash');
    const type = k.struct('crypto_tfm');
    const older = view.has('init');
    const exit = older ? 'crypto_exit_shash_ops_async' : 'crypto_exit_ahash_using_shash';
    type.bind(tfm, 'exit', exit, (at: Ptr) => {
      const gone = k.space.loadPtr(tfms.contextOf(at));
      return tfms.destroy(gone, shash.addr(gone, 'base'));
    });
    if (older) this.fillOperations(hash, alg);
    else view.set(hash, 'using_shash', 1);
    type.set(tfm, 'crt_flags', type.get(shash.addr(inner, 'base'), 'crt_flags') & TFM_NEED_KEY);
    view.set(hash, 'reqsize', k.sizeOf('shash_desc') + shash.get(inner, 'descsize'));
    return 0;
  }

  private fillOperations(hash: Ptr, alg: Ptr): void {
    const view = this.k.struct('crypto_ahash');
    for (const operation of OPERATIONS)
      view.bind(hash, operation, `shash_async_${operation}`, (request: Ptr) =>
        this.inner(request, operation),
      );
    view.bind(hash, 'export', 'shash_async_export', (request: Ptr, state: Ptr) =>
      this.k.get(Shash).export(this.descOf(request), state),
    );
    view.bind(hash, 'import', 'shash_async_import', (request: Ptr, state: Ptr) =>
      this.k.get(Shash).import(this.freshDesc(request), state),
    );
    if (this.k.get(Shash).hasSetkey(this.k.struct('shash_alg').of(alg, 'base')))
      view.bind(hash, 'setkey', 'shash_async_setkey', (at: Ptr, key: Ptr, length: number) =>
        this.k.get(Shash).setKey(this.innerOf(at), key, length),
      );
  }

  private *setKey(hash: Ptr, key: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const view = k.struct('crypto_ahash');
    const tfm = view.addr(hash, 'base');
    const alg = k.get(CryptoTfms).algorithmOf(tfm);
    const result = yield* this.callSetkey(hash, alg, key, length);
    if (result === 0) markKey(k, tfm, true);
    else if (this.needsKey(alg)) markKey(k, tfm, false);
    return result;
  }

  private *callSetkey(hash: Ptr, alg: Ptr, key: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const view = k.struct('crypto_ahash');
    const mask = k.struct('crypto_alg').get(alg, 'cra_alignmask');
    if (mask !== 0 && key % (mask + 1) !== 0 && this.isOwn(alg))
      throw new Unimplemented('crypto_ahash_setkey() with a key that the algorithm wants aligned', '');
    if (view.has('setkey')) return yield* view.call(hash, 'setkey', hash, key, length);
    if (!this.isOwn(alg)) return yield* k.get(Shash).setKey(this.innerOf(hash), key, length);
    if (!this.algHasSetkey(alg)) return UNSUPPORTED;
    return yield* k
      .struct('ahash_alg')
      .call(k.struct('ahash_alg').of(alg, 'halg.base'), 'setkey', hash, key, length);
  }

  /** An operation of a request; one that begins wants the key to be there. */
  private *ask(request: Ptr, operation: Operation, begins: boolean): Sleepable<number> {
    const { k } = this;
    const tfm = this.tfmOf(request);
    if (begins && wantsKey(k, tfm)) return -ENOKEY;
    const view = k.struct('crypto_ahash');
    const alg = k.get(CryptoTfms).algorithmOf(tfm);
    this.refuseMisaligned(request, alg, operation);
    if (view.has('init')) return yield* view.call(view.of(tfm, 'base'), operation, request);
    if (!this.isOwn(alg)) return yield* this.inner(request, operation);
    const algs = k.struct('ahash_alg');
    const outer = algs.of(alg, 'halg.base');
    if (operation === 'finup' && algs.get(outer, 'finup') === 0) return yield* this.finupInSteps(request);
    return yield* algs.call(outer, operation, request);
  }

  private refuseMisaligned(request: Ptr, alg: Ptr, operation: Operation): void {
    if (operation === 'init' || operation === 'update' || !this.isOwn(alg)) return;
    const mask = this.k.struct('crypto_alg').get(alg, 'cra_alignmask');
    const view = this.k.struct('crypto_ahash');
    if (view.has('init') && this.k.struct('ahash_request').get(request, 'result') % (mask + 1) !== 0)
      throw new Unimplemented(
        `crypto_ahash_${operation}() with a result that the algorithm wants aligned`,
        '',
      );
  }

  private *export(request: Ptr, state: Ptr): Sleepable<number> {
    const { k } = this;
    const alg = k.get(CryptoTfms).algorithmOf(this.tfmOf(request));
    if (!this.isOwn(alg)) return yield* k.get(Shash).export(this.descOf(request), state);
    const algs = k.struct('ahash_alg');
    return yield* algs.call(algs.of(alg, 'halg.base'), 'export', request, state);
  }

  private *import(request: Ptr, state: Ptr): Sleepable<number> {
    const { k } = this;
    const tfm = this.tfmOf(request);
    const alg = k.get(CryptoTfms).algorithmOf(tfm);
    if (!this.isOwn(alg)) return yield* k.get(Shash).import(this.freshDesc(request), state);
    if (wantsKey(k, tfm)) return -ENOKEY;
    const algs = k.struct('ahash_alg');
    return yield* algs.call(algs.of(alg, 'halg.base'), 'import', request, state);
  }

  /** An operation by the synchronous hash below. */
  private *inner(request: Ptr, operation: Operation): Sleepable<number> {
    const shash = this.k.get(Shash);
    switch (operation) {
      case 'init':
        return yield* shash.init(this.freshDesc(request));
      case 'update':
        return yield* this.feed(request, this.descOf(request));
      case 'final':
        return yield* shash.final(this.descOf(request), this.resultOf(request));
      case 'finup':
        return yield* this.feedLast(request, this.freshDesc(request));
      case 'digest':
        return yield* this.feedAll(request, this.freshDesc(request));
    }
  }

  private *feed(request: Ptr, desc: Ptr): Sleepable<number> {
    for (const { at, length } of this.pieces(request)) {
      const result = yield* this.k.get(Shash).update(desc, at, length);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *feedLast(request: Ptr, desc: Ptr): Sleepable<number> {
    const shash = this.k.get(Shash);
    const out = this.resultOf(request);
    const pieces = [...this.pieces(request)];
    const last = pieces.pop();
    if (!last) return yield* shash.final(desc, out);
    for (const { at, length } of pieces) {
      const result = yield* shash.update(desc, at, length);
      if (result !== 0) return result;
    }
    return yield* shash.finup(desc, last.at, last.length, out);
  }

  private *feedAll(request: Ptr, desc: Ptr): Sleepable<number> {
    const shash = this.k.get(Shash);
    const [first, ...rest] = [...this.pieces(request)];
    if (first && rest.length === 0)
      return yield* shash.digest(desc, first.at, first.length, this.resultOf(request));
    return (yield* shash.init(desc)) || (yield* this.feedLast(request, desc));
  }

  /** The request's bytes, piece by piece: none crosses a page. */
  private *pieces(request: Ptr): Iterable<{ readonly at: Ptr; readonly length: number }> {
    const { k } = this;
    const { table } = k.get(ScatterWalks);
    const type = k.struct('ahash_request');
    let left = type.get(request, 'nbytes');
    for (let sg = type.get(request, 'src'); left > 0; sg = table.next(sg)) {
      let at = table.memory(sg);
      for (let inEntry = Math.min(table.length(sg), left); inEntry > 0; ) {
        const length = Math.min(inEntry, PAGE_SIZE - (at % PAGE_SIZE));
        yield { at, length };
        at += length;
        inEntry -= length;
        left -= length;
      }
    }
  }

  /** For an algorithm without finup: update, then final. */
  private *finupInSteps(request: Ptr): Sleepable<number> {
    const { k } = this;
    const algs = k.struct('ahash_alg');
    const outer = this.algOf(this.tfmOf(request));
    const result = yield* algs.call(outer, 'update', request);
    if (result === -EINPROGRESS || result === -EBUSY)
      throw new Unimplemented('crypto_ahash_finup() of an algorithm that has none and finishes later', '');
    return result || (yield* algs.call(outer, 'final', request));
  }

  /** crypto_hash_alg_has_setkey(), of struct hash_alg_common. */
  private hasSetkey(common: Ptr): boolean {
    const { k } = this;
    const base = k.struct('hash_alg_common').addr(common, 'base');
    return this.isOwn(base)
      ? this.algHasSetkey(base)
      : k.get(Shash).hasSetkey(k.struct('shash_alg').of(base, 'base'));
  }

  private algHasSetkey(alg: Ptr): boolean {
    const algs = this.k.struct('ahash_alg');
    return algs.get(algs.of(alg, 'halg.base'), 'setkey') !== 0;
  }

  private needsKey(alg: Ptr): boolean {
    const { k } = this;
    if (!this.isOwn(alg)) return k.get(Shash).needsKey(k.struct('shash_alg').of(alg, 'base'));
    return this.algHasSetkey(alg) && !(k.struct('crypto_alg').get(alg, 'cra_flags') & FLAG_OPTIONAL_KEY);
  }

  private stateSize(alg: Ptr): number {
    const { k } = this;
    if (!this.isOwn(alg))
      return k.struct('shash_alg').get(k.struct('shash_alg').of(alg, 'base'), 'statesize');
    return k.struct('ahash_alg').get(k.struct('ahash_alg').of(alg, 'halg.base'), 'halg.statesize');
  }

  /** Whether an algorithm is an asynchronous hash itself. */
  private isOwn(alg: Ptr): boolean {
    return (this.k.struct('crypto_alg').get(alg, 'cra_flags') & TYPE_MASK) === TYPE_AHASH;
  }

  private algOf(tfm: Ptr): Ptr {
    return this.k.struct('ahash_alg').of(this.k.get(CryptoTfms).algorithmOf(tfm), 'halg.base');
  }

  private tfmOf(request: Ptr): Ptr {
    return this.k.struct('ahash_request').get(request, 'base.tfm');
  }

  private resultOf(request: Ptr): Ptr {
    return this.k.struct('ahash_request').get(request, 'result');
  }

  /** struct crypto_shash below a struct crypto_ahash. */
  private innerOf(hash: Ptr): Ptr {
    const tfm = this.k.struct('crypto_ahash').addr(hash, 'base');
    return this.k.space.loadPtr(this.k.get(CryptoTfms).contextOf(tfm));
  }

  /** ahash_request_ctx(): the descriptor of the hash below. */
  private descOf(request: Ptr): Ptr {
    return this.k.struct('ahash_request').addr(request, '__ctx');
  }

  private freshDesc(request: Ptr): Ptr {
    const desc = this.descOf(request);
    const inner = this.k.space.loadPtr(this.k.get(CryptoTfms).contextOf(this.tfmOf(request)));
    this.k.struct('shash_desc').set(desc, 'tfm', inner);
    return desc;
  }
}
