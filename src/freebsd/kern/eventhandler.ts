import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';
import { Mutexes } from './mutex.js';
import { Tailq } from './tailq.js';

/** EHE_DEAD_PRIORITY: an entry that is to go once nobody goes through its list. */
const DEAD_PRIORITY = -1;
/** ee_link, ee_priority, ee_arg of struct eventhandler_entry, and behind it the function (sys/sys/eventhandler.h). */
const ENTRY_BYTES = 48;
const PRIORITY = 16;
const ARGUMENT = 24;
const FUNCTION = 32;

/** eventhandler(9) (sys/kern/subr_eventhandler.c): lists in guest memory, since invoking one is inlined in modules. */
export class EventHandlers implements Subsystem {
  private readonly lists = new Map<string, Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    eventhandler_register: (list: Ptr, name: Ptr, fn: Ptr, arg: Ptr, priority: number) =>
      this.register(list, name, fn, arg, priority),
    vimage_eventhandler_register: (list: Ptr, name: Ptr, fn: Ptr, arg: Ptr, priority: number) =>
      this.register(list, name, fn, arg, priority),
    eventhandler_deregister: (list: Ptr, tag: Ptr) => this.deregister(list, tag, true),
    eventhandler_deregister_nowait: (list: Ptr, tag: Ptr) => this.deregister(list, tag, false),
    eventhandler_find_list: (name: Ptr) => this.find(this.k.space.cstring(name)),
    eventhandler_prune_list: (list: Ptr) => this.prune(list),
    eventhandler_create_list: (name: Ptr) => this.list(this.k.space.cstring(name)),
  };

  boot(): void {
    const { k } = this;
    k.get(KernLinker).hooks.push({
      enabled: (file) => this.invoke('kld_load', 'v:pp', file.handle),
      unloadTry: (file) => this.unloadTry(file.handle),
      unloaded: (file) =>
        this.invoke('kld_unload', 'v:pppL', k.constantString(file.filename), file.address, file.size),
    });
  }

  private *unloadTry(file: Ptr): Sleepable<number> {
    const { k } = this;
    if (!this.lists.has('kld_unload_try')) return 0;
    const error = k.get(Malloc).malloc(8, k.variable('M_TEMP'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
    yield* this.invoke('kld_unload_try', 'v:ppp', file, error);
    const value = k.space.loadInt32(error);
    k.get(Malloc).free(error, k.variable('M_TEMP'));
    return value;
  }

  /** The list of a name, made when it is first asked for. */
  list(name: string): Ptr {
    const known = this.lists.get(name);
    if (known !== undefined) return known;
    const { k } = this;
    const type = k.struct('eventhandler_list');
    const at = k.permanent(type.size);
    type.set(at, 'el_name', k.constantString(name));
    k.get(Mutexes).init(type.addr(at, 'el_lock'), k.constantString(name), k.macro('MTX_DEF'));
    this.entries(at).init();
    this.lists.set(name, at);
    return at;
  }

  private entries(list: Ptr): Tailq {
    return new Tailq(this.k, this.k.struct('eventhandler_list').addr(list, 'el_entries'), 0);
  }

  private lock(list: Ptr): Sleepable<void> {
    return this.k.get(Mutexes).lock(this.k.struct('eventhandler_list').addr(list, 'el_lock'));
  }

  private unlock(list: Ptr): void {
    this.k.get(Mutexes).unlock(this.k.struct('eventhandler_list').addr(list, 'el_lock'));
  }

  /** The list comes back locked; 0 where nobody ever registered for it. */
  private *find(name: string): Sleepable<Ptr> {
    const list = this.lists.get(name);
    if (list === undefined) return 0;
    yield* this.lock(list);
    return list;
  }

  private *register(given: Ptr, name: Ptr, fn: Ptr, arg: Ptr, priority: number): Sleepable<Ptr> {
    const { k } = this;
    const list = given === 0 ? this.list(k.space.cstring(name)) : given;
    const entry = k.slab.allocateBytes(ENTRY_BYTES, true);
    k.space.store32(entry + PRIORITY, priority);
    k.space.storePtr(entry + ARGUMENT, arg);
    k.space.storePtr(entry + FUNCTION, fn);
    k.origins.note(entry);
    yield* this.lock(list);
    const queue = this.entries(list);
    const behind = [...queue.entries()].find(
      (other) => this.priority(other) !== DEAD_PRIORITY && this.priority(other) > priority,
    );
    if (behind === undefined) queue.append(entry);
    else queue.insertBefore(behind, entry);
    this.unlock(list);
    return entry;
  }

  private priority(entry: Ptr): number {
    return this.k.space.loadInt32(entry + PRIORITY);
  }

  /** The list comes locked, and is unlocked. Without a tag all entries go. */
  private *deregister(list: Ptr, tag: Ptr, wait: boolean): Sleepable<void> {
    const { k } = this;
    const type = k.struct('eventhandler_list');
    for (const entry of tag === 0 ? [...this.entries(list).entries()] : [tag])
      if (type.get(list, 'el_runcount') === 0) this.drop(list, entry);
      else k.space.store32(entry + PRIORITY, DEAD_PRIORITY);
    // Who goes through the list now takes the dead entries out.
    while (wait && type.get(list, 'el_runcount') > 0) {
      this.unlock(list);
      yield { kind: 'yield' };
      yield* this.lock(list);
    }
    this.unlock(list);
  }

  private drop(list: Ptr, entry: Ptr): void {
    this.entries(list).remove(entry);
    this.k.origins.forget(entry);
    this.k.slab.free(entry);
  }

  private prune(list: Ptr): void {
    for (const entry of [...this.entries(list).entries()])
      if (this.priority(entry) === DEAD_PRIORITY) this.drop(list, entry);
  }

  /** EVENTHANDLER_INVOKE(): `signature` is that of the handlers, whose first argument is their own. */
  *invoke(name: string, signature: string, ...args: readonly number[]): Sleepable<void> {
    const list = this.lists.get(name);
    if (list === undefined) return;
    for (const entry of [...this.entries(list).entries()]) {
      if (this.priority(entry) === DEAD_PRIORITY) continue;
      const fn = this.k.space.loadPtr(entry + FUNCTION);
      yield* this.k.callAs(signature, fn, this.k.space.loadPtr(entry + ARGUMENT), ...args);
    }
  }

  *holds(): Generator<Holding> {
    for (const [name, list] of this.lists)
      for (const entry of this.entries(list).entries())
        yield {
          kind: 'event handler',
          at: entry,
          uses: [this.k.space.loadPtr(entry + FUNCTION)],
          by: this.k.origins.of(entry),
          name: () => name,
        };
  }
}
