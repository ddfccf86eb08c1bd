import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOMEM } from '../errno.js';
import { isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoAttributes } from './attributes.js';
import { CryptoInstances } from './instances.js';
import { Shash } from './shash.js';
import { CryptoSpawns } from './spawns.js';
import { CryptoTemplates } from './templates.js';
import { CryptoTfms, POINTER_BYTES } from './tfm.js';
import { TYPE_SHASH } from './types.js';

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * The template `hmac` (crypto/hmac.c, RFC 2104): of any synchronous hash without a key. The context of an instance's transformation
 * is one of the hash, and the states in which the hash is after the padded keys.
 */
export class Hmac implements Subsystem {
  static readonly builtIn = ['CONFIG_CRYPTO_ALGAPI2', 'CONFIG_CRYPTO_HMAC'];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    shash_free_singlespawn_instance: (instance: Ptr) => this.free(instance),
  };

  boot(): void {
    const { k } = this;
    const template = k.permanent(k.sizeOf('crypto_template'));
    const type = k.struct('crypto_template');
    type.setText(template, 'name', 'hmac');
    type.bind(template, 'create', 'hmac_create', (at: Ptr, table: Ptr) => this.create(at, table));
    k.get(CryptoTemplates).register(template);
  }

  private *create(template: Ptr, table: Ptr): Sleepable<number> {
    const { k } = this;
    const { exports: attributes } = k.get(CryptoAttributes);
    const scratch = k.slab.allocateBytes(8, true);
    const refused = attributes.crypto_check_attr_type(table, TYPE_SHASH, scratch);
    const mask = k.space.load32(scratch);
    k.slab.free(scratch);
    if (refused !== 0) return refused;
    const instance = k.slab.allocateBytes(k.sizeOf('shash_instance') + k.sizeOf('crypto_shash_spawn'), true);
    if (instance === 0) return -ENOMEM;
    const result = yield* this.make(template, instance, k.space.loadPtr(table + POINTER_BYTES), mask);
    if (result !== 0) this.free(instance);
    return result;
  }

  private *make(template: Ptr, instance: Ptr, attribute: Ptr, mask: number): Sleepable<number> {
    const { k } = this;
    const own = this.instanceOf(instance);
    const spawn = this.spawnOf(instance);
    const name = k.get(CryptoAttributes).nameOf(attribute);
    const grabbed = yield* k.get(CryptoSpawns).grabKind('crypto_shash_type', spawn, own, name, 0, mask);
    if (grabbed !== 0) return grabbed;
    const base = k.struct('crypto_spawn').get(spawn, 'alg');
    const type = k.struct('shash_alg');
    const hash = type.of(base, 'base');
    if (k.get(Shash).needsKey(hash)) return -EINVAL;
    const block = type.get(hash, 'base.cra_blocksize');
    if (type.get(hash, 'digestsize') > block || type.get(hash, 'statesize') < block) return -EINVAL;
    const named = k
      .get(CryptoAttributes)
      .setName(own, k.struct('crypto_template').text(template, 'name'), base);
    if (named !== 0) return named;
    this.fill(instance, hash);
    return yield* k.get(CryptoInstances).registerShash(template, instance);
  }

  private fill(instance: Ptr, hash: Ptr): void {
    const { k } = this;
    const type = k.struct('shash_alg');
    const shash = k.get(Shash);
    const alg = k.struct('shash_instance').addr(instance, 'alg');
    for (const member of ['base.cra_priority', 'base.cra_blocksize', 'base.cra_alignmask', 'digestsize'])
      type.set(alg, member, type.get(hash, member));
    const mask = type.get(hash, 'base.cra_alignmask');
    const stateBytes = (type.get(hash, 'statesize') + mask) & ~mask;
    type.set(alg, 'statesize', stateBytes);
    type.set(alg, 'base.cra_ctxsize', k.sizeOf('hmac_ctx') + 2 * stateBytes);
    type.bind(alg, 'init', 'hmac_init', (desc: Ptr) => this.init(desc));
    type.bind(alg, 'update', 'hmac_update', (desc: Ptr, data: Ptr, length: number) =>
      shash.update(shash.contextOf(desc), data, length),
    );
    type.bind(alg, 'final', 'hmac_final', (desc: Ptr, out: Ptr) => this.final(desc, out));
    type.bind(alg, 'finup', 'hmac_finup', (desc: Ptr, data: Ptr, length: number, out: Ptr) =>
      this.finup(desc, data, length, out),
    );
    type.bind(alg, 'export', 'hmac_export', (desc: Ptr, state: Ptr) =>
      shash.export(shash.contextOf(desc), state),
    );
    type.bind(alg, 'import', 'hmac_import', (desc: Ptr, state: Ptr) => shash.import(this.fresh(desc), state));
    type.bind(alg, 'setkey', 'hmac_setkey', (tfm: Ptr, key: Ptr, length: number) =>
      this.setKey(tfm, key, length),
    );
    type.bind(alg, 'init_tfm', 'hmac_init_tfm', (tfm: Ptr) => this.initTfm(tfm));
    type.bind(alg, 'exit_tfm', 'hmac_exit_tfm', (tfm: Ptr) => this.exitTfm(tfm));
    k.struct('shash_instance').set(instance, 'free', k.fn('shash_free_singlespawn_instance'));
  }

  private *initTfm(tfm: Ptr): Sleepable<number> {
    const { k } = this;
    const instance = k.struct('shash_instance').of(k.get(Shash).algOf(tfm), 'alg');
    const hash = yield* k.get(CryptoSpawns).transformOfKind(this.spawnOf(instance));
    if (isErr(hash)) return ptrErr(hash);
    const view = k.struct('crypto_shash');
    view.set(tfm, 'descsize', k.sizeOf('shash_desc') + view.get(hash, 'descsize'));
    k.struct('hmac_ctx').set(this.contextOf(tfm), 'hash', hash);
    return 0;
  }

  private exitTfm(tfm: Ptr): Sleepable<void> {
    const hash = this.hashOf(tfm);
    return this.k.get(CryptoTfms).destroy(hash, this.k.struct('crypto_shash').addr(hash, 'base'));
  }

  /** Keeps the states after the inner and the outer padded key; a key longer than a block is hashed first. */
  private *setKey(tfm: Ptr, key: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const shash = k.get(Shash);
    const hash = this.hashOf(tfm);
    const block = k.struct('shash_alg').get(shash.algOf(tfm), 'base.cra_blocksize');
    const desc = shash.newDesc(hash);
    const pad = k.slab.allocateBytes(block, true);
    let result = 0;
    if (length > block) result = yield* shash.digest(desc, key, length, pad);
    else k.space.writable(pad, block).set(k.space.bytes.slice(key, key + length));
    const whole = k.space.bytes.slice(pad, pad + block);
    for (const [value, state] of [
      [INNER_PAD, this.innerState(tfm)],
      [OUTER_PAD, this.outerState(tfm)],
    ] as const) {
      k.space.writable(pad, block).set(whole.map((byte) => byte ^ value));
      result ||= yield* shash.init(desc);
      result ||= yield* shash.update(desc, pad, block);
      result ||= yield* shash.export(desc, state);
    }
    k.space.writable(pad, block).fill(0);
    k.slab.free(pad);
    k.slab.free(desc);
    return result;
  }

  private *init(desc: Ptr): Sleepable<number> {
    return yield* this.k.get(Shash).import(this.fresh(desc), this.innerState(this.tfmOf(desc)));
  }

  private *final(desc: Ptr, out: Ptr): Sleepable<number> {
    const shash = this.k.get(Shash);
    return (
      (yield* shash.final(shash.contextOf(desc), out)) || (yield* this.outer(this.tfmOf(desc), desc, out))
    );
  }

  private *finup(desc: Ptr, data: Ptr, length: number, out: Ptr): Sleepable<number> {
    const shash = this.k.get(Shash);
    return (
      (yield* shash.finup(shash.contextOf(desc), data, length, out)) ||
      (yield* this.outer(this.tfmOf(desc), desc, out))
    );
  }

  /** The outer hash of the inner digest, which is in `out`. */
  private *outer(tfm: Ptr, desc: Ptr, out: Ptr): Sleepable<number> {
    const shash = this.k.get(Shash);
    const inner = shash.contextOf(desc);
    return (
      (yield* shash.import(inner, this.outerState(tfm))) ||
      (yield* shash.finup(inner, out, shash.digestSize(tfm), out))
    );
  }

  private free(instance: Ptr): void {
    const { k } = this;
    k.get(CryptoSpawns).drop(this.spawnOf(instance));
    k.slab.free(instance);
  }

  /** The hash's descriptor within the instance's, for the hash's transformation. */
  private fresh(desc: Ptr): Ptr {
    const { k } = this;
    const inner = k.get(Shash).contextOf(desc);
    k.struct('shash_desc').set(inner, 'tfm', this.hashOf(this.tfmOf(desc)));
    return inner;
  }

  private tfmOf(desc: Ptr): Ptr {
    return this.k.struct('shash_desc').get(desc, 'tfm');
  }

  private hashOf(tfm: Ptr): Ptr {
    return this.k.struct('hmac_ctx').get(this.contextOf(tfm), 'hash');
  }

  private innerState(tfm: Ptr): Ptr {
    return this.contextOf(tfm) + this.k.sizeOf('hmac_ctx');
  }

  private outerState(tfm: Ptr): Ptr {
    const { k } = this;
    return this.innerState(tfm) + k.struct('shash_alg').get(k.get(Shash).algOf(tfm), 'statesize');
  }

  private contextOf(tfm: Ptr): Ptr {
    return this.k.get(CryptoTfms).contextOf(this.k.struct('crypto_shash').addr(tfm, 'base'));
  }

  /** struct crypto_instance within a struct shash_instance. */
  private instanceOf(instance: Ptr): Ptr {
    return this.k.struct('shash_instance').addr(instance, 'alg.base');
  }

  /** struct crypto_spawn behind a struct shash_instance. */
  private spawnOf(instance: Ptr): Ptr {
    const context = this.k.struct('crypto_instance').addr(this.instanceOf(instance), '__ctx');
    return this.k.struct('crypto_shash_spawn').addr(context, 'base');
  }
}
