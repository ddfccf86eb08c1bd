import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { StructType } from '../../abi/struct.js';
import { EEXIST, EINVAL, ENOENT } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { callExport } from '../misc/refcount.js';

/** Ask for a module that brings the algorithm (include/linux/textsearch.h). */
const TS_AUTOLOAD = 1;

const REQUIRED = ['name', 'find', 'init', 'get_pattern', 'get_pattern_len'];

/** Text search algorithms, which modules bring, and searches set up with them (lib/textsearch.c). */
export class TextSearch implements Subsystem {
  /** Head of the list of algorithms. */
  private head: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    textsearch_register: (ops: Ptr) => {
      const { type, k } = this;
      if (REQUIRED.some((member) => type.get(ops, member) === 0)) return -EINVAL;
      if (this.lookup(type.string(ops, 'name')) !== 0) return -EEXIST;
      list.addTail(k.space, type.addr(ops, 'list'), this.head);
      return 0;
    },
    textsearch_unregister: (ops: Ptr) => {
      if (![...this.all()].includes(ops)) return -ENOENT;
      list.del(this.k.space, this.type.addr(ops, 'list'));
      return 0;
    },
    textsearch_prepare: (name: Ptr, pattern: Ptr, length: number, gfp: number, flags: number) =>
      this.prepare(this.k.space.cstring(name), pattern, length, gfp, flags),
    textsearch_destroy: (config: Ptr) => this.destroy(config),
  };

  boot(): void {
    this.head = this.k.permanent(this.k.sizeOf('list_head'));
    list.init(this.k.space, this.head);
  }

  private get type(): StructType {
    return this.k.struct('ts_ops');
  }

  private *all(): Generator<Ptr> {
    for (const entry of list.entries(this.k.space, this.head)) yield this.type.of(entry, 'list');
  }

  private lookup(name: string): Ptr {
    for (const ops of this.all()) if (this.type.string(ops, 'name') === name) return ops;
    return 0;
  }

  /** ERR_PTR(-ENOENT) where no module brings the algorithm. */
  private *prepare(name: string, pattern: Ptr, length: number, gfp: number, flags: number): Sleepable<Ptr> {
    const { k, type } = this;
    if (length === 0) return errPtr(EINVAL);
    if (this.lookup(name) === 0 && flags & TS_AUTOLOAD) yield* this.load(name);
    const ops = this.lookup(name);
    const owner = ops === 0 ? 0 : type.get(ops, 'owner');
    if (ops === 0 || !(yield* callExport(k, 'try_module_get', owner))) return errPtr(ENOENT);
    const config = yield* type.call(ops, 'init', pattern, length, gfp, flags);
    if (isErr(config)) yield* callExport(k, 'module_put', owner);
    else k.struct('ts_config').set(config, 'ops', ops);
    return config;
  }

  private *load(name: string): Sleepable<void> {
    const request = this.k.get(Modules).requestModule;
    if (request) yield* request(`ts-${name}`);
  }

  private *destroy(config: Ptr): Sleepable<void> {
    const { k, type } = this;
    const ops = k.struct('ts_config').get(config, 'ops');
    if (ops !== 0) {
      if (type.get(ops, 'destroy') !== 0) yield* type.call(ops, 'destroy', config);
      yield* callExport(k, 'module_put', type.get(ops, 'owner'));
    }
    k.slab.free(config);
  }
}
