import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { EAGAIN, EEXIST } from '../errno.js';
import { Oops } from '../errors.js';
import { type Holding, heldStructs } from '../holding.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Workqueues } from '../sched/workqueue.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { frontendOf } from './frontends.js';
import { CRYPTO_ALG_DEAD, FLAG_INSTANCE } from './types.js';

/**
 * Templates and their instances (crypto/algapi.c): `cbc` makes `cbc(aes)` when somebody asks for it. An instance
 * goes when its template goes, when an algorithm below it goes, or when it is unregistered.
 */
export class CryptoTemplates implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  /** Instances (struct crypto_instance), newest first, by template. */
  private readonly templates = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_register_template: (template: Ptr) => this.register(template),
    crypto_unregister_template: (template: Ptr) => this.unregister(template),
    crypto_register_templates: (templates: Ptr, count: number) => this.registerArray(templates, count),
    crypto_unregister_templates: (templates: Ptr, count: number) => this.unregisterArray(templates, count),
    crypto_lookup_template: (name: Ptr) => this.lookup(this.k.space.cstring(name)),
    crypto_register_instance: (template: Ptr, instance: Ptr) => this.registerInstance(template, instance),
    crypto_unregister_instance: (instance: Ptr) => this.unregisterInstance(instance),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'crypto template', struct: 'crypto_template', name: 'name' },
      this.templates.keys(),
    );
  }

  boot(): void {
    const api = this.k.get(CryptoApi);
    api.removing = (alg) => this.removeUsers(alg);
    api.released = (alg) => this.freeLater(alg);
  }

  /** The template of a name, its module asked for if need be, with a reference on that module; or 0. */
  *lookup(name: string): Sleepable<Ptr> {
    const present = this.search(name);
    if (present !== 0) return present;
    yield* this.k.get(CryptoApi).load(`crypto-${name}`);
    return this.search(name);
  }

  /** Gives back what lookup took. */
  put(template: Ptr): void {
    this.k.get(Modules).putStruct(this.k.struct('crypto_template').get(template, 'module'));
  }

  private get(template: Ptr): boolean {
    const module = this.k.struct('crypto_template').get(template, 'module');
    return this.k.get(Modules).tryGet(module);
  }

  private search(name: string): Ptr {
    const type = this.k.struct('crypto_template');
    for (const template of this.templates.keys())
      if (type.text(template, 'name') === name) return this.get(template) ? template : 0;
    return 0;
  }

  register(template: Ptr): number {
    if (this.templates.has(template)) return -EEXIST;
    this.k.origins.note(template);
    this.templates.set(template, []);
    return 0;
  }

  private registerArray(templates: Ptr, count: number): Sleepable<number> | number {
    const size = this.k.sizeOf('crypto_template');
    for (let i = 0; i < count; i++) {
      const result = this.register(templates + i * size);
      if (result === 0) continue;
      return this.undo(templates, i, result);
    }
    return 0;
  }

  private *undo(templates: Ptr, count: number, result: number): Sleepable<number> {
    yield* this.unregisterArray(templates, count);
    return result;
  }

  private *unregisterArray(templates: Ptr, count: number): Sleepable<void> {
    const size = this.k.sizeOf('crypto_template');
    for (let i = count - 1; i >= 0; i--) yield* this.unregister(templates + i * size);
  }

  /** With every instance of it: nobody may use one any more. */
  private *unregister(template: Ptr): Sleepable<void> {
    const instances = this.templates.get(template);
    if (!instances) throw new Oops('bug', 'kernel BUG at crypto/algapi.c:568!', template);
    this.templates.delete(template);
    for (const instance of instances) {
      this.k.get(CryptoApi).remove(this.algOf(instance));
      if (this.k.struct('crypto_alg').get(this.algOf(instance), 'cra_refcnt.refs.counter') !== 1)
        throw new Oops('bug', 'kernel BUG at crypto/algapi.c:574!', instance);
      yield* this.free(instance);
    }
  }

  /** crypto_register_instance(): from here on the spawns hold no references. */
  *registerInstance(template: Ptr, instance: Ptr): Sleepable<number> {
    const { k } = this;
    const api = k.get(CryptoApi);
    const type = k.struct('crypto_instance');
    const spawns = k.struct('crypto_spawn');
    const algorithm = k.struct('crypto_alg');
    const alg = this.algOf(instance);
    const refused = api.check(alg);
    if (refused !== 0) return refused;
    algorithm.set(alg, 'cra_module', k.struct('crypto_template').get(template, 'module'));
    algorithm.set(alg, 'cra_flags', algorithm.get(alg, 'cra_flags') | FLAG_INSTANCE);
    for (let spawn = type.get(instance, 'spawns'); spawn !== 0; ) {
      if (spawns.get(spawn, 'dead') !== 0) return -EAGAIN;
      const next = spawns.get(spawn, 'next');
      spawns.set(spawn, 'inst', instance);
      spawns.set(spawn, 'registered', 1);
      api.put(spawns.get(spawn, 'alg'));
      spawn = next;
    }
    const result = yield* api.register(alg);
    if (result !== 0) return result;
    type.set(instance, 'tmpl', template);
    this.templates.get(template)?.unshift(instance);
    return 0;
  }

  private unregisterInstance(instance: Ptr): void {
    this.removeUsers(this.algOf(instance));
    this.removeInstance(instance);
  }

  /** crypto_remove_spawns(): instances that are built on an algorithm go before it does. */
  private removeUsers(alg: Ptr): void {
    const { k } = this;
    const spawns = k.struct('crypto_spawn');
    for (const node of list.entries(k.space, k.struct('crypto_alg').addr(alg, 'cra_users'))) {
      const spawn = spawns.of(node, 'list');
      list.delInit(k.space, node);
      spawns.set(spawn, 'dead', 1);
      if (spawns.get(spawn, 'registered') === 0) continue;
      const instance = spawns.get(spawn, 'inst');
      this.removeUsers(this.algOf(instance));
      this.removeInstance(instance);
    }
  }

  /** Takes an instance out of the lists; it is freed when the last transformation of it is gone. */
  private removeInstance(instance: Ptr): void {
    const alg = this.algOf(instance);
    const algorithm = this.k.struct('crypto_alg');
    if (algorithm.get(alg, 'cra_flags') & CRYPTO_ALG_DEAD) return;
    const template = this.k.struct('crypto_instance').get(instance, 'tmpl');
    this.k.get(CryptoApi).delist(alg);
    // A reference on the template's module is for the freeing, which runs its code.
    if (template === 0 || !this.get(template)) return;
    const instances = this.templates.get(template);
    instances?.splice(instances.indexOf(instance), 1);
    this.k.get(CryptoApi).putAlgorithm(alg);
  }

  /** The last reference on an instance is gone: a worker frees it. */
  private freeLater(alg: Ptr): void {
    const { k } = this;
    const type = k.struct('crypto_instance');
    const instance = type.of(alg, 'alg');
    const work = type.addr(instance, 'free_work');
    k.get(Workqueues).init(work, 0);
    k.struct('work_struct').bind(work, 'func', 'crypto_destroy_instance_workfn', (at: Ptr) =>
      this.freeDead(type.of(at, 'free_work')),
    );
    k.get(Workqueues).queueWork(k.space.loadPtr(k.symbol('system_wq')), work);
  }

  private *freeDead(instance: Ptr): Sleepable<void> {
    const template = this.k.struct('crypto_instance').get(instance, 'tmpl');
    yield* this.free(instance);
    this.put(template);
  }

  /** crypto_free_instance(): the kind's own struct round the instance has the function. */
  private *free(instance: Ptr): Sleepable<void> {
    const { k } = this;
    const alg = this.algOf(instance);
    const frontend = frontendOf(k.struct('crypto_alg').get(alg, 'cra_flags'));
    if (frontend?.symbol === undefined) return;
    const container = k.struct(frontend.algorithm.replace(/_alg$/, '_instance'));
    const whole = container.of(instance, `alg.${frontend.base}`);
    yield* container.call(whole, 'free', whole);
  }

  private algOf(instance: Ptr): Ptr {
    return this.k.struct('crypto_instance').addr(instance, 'alg');
  }
}
