import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EEXIST, ENOENT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Osd } from './kern-osd.js';
import { RmLocks } from './rmlock.js';

/** A function of a helper at a hook point: struct hhook, which only kern_hhook.c knows. */
interface Hook {
  readonly func: Ptr;
  readonly helper: Ptr;
  readonly udata: Ptr;
}

/** hhook(9) (sys/kern/kern_hhook.c): points of the network stack where helpers' functions are called. */
export class Hhooks implements Subsystem {
  private readonly heads = new Map<Ptr, Hook[]>();
  /** Told of a new point: set by who keeps the helpers. */
  onHead: (head: Ptr) => void = () => {};

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    hhook_head_register: (type: number, id: number, at: Ptr, flags: number) =>
      this.registerHead(type, id, at, flags),
    hhook_head_deregister: (head: Ptr) => this.deregisterHead(head),
    hhook_head_get: (type: number, id: number) => this.acquire(type, id),
    hhook_head_release: (head: Ptr) => this.count(head, -1),
    hhook_add_hook: (head: Ptr, info: Ptr) => this.add(head, info),
    hhook_remove_hook: (head: Ptr, info: Ptr) => this.remove(head, info),
    hhook_add_hook_lookup: (info: Ptr) => this.addToAll(info),
    hhook_remove_hook_lookup: (info: Ptr) => this.removeFromAll(info),
    hhook_run_hooks: (head: Ptr, context: Ptr, osd: Ptr) => this.run(head, context, osd),
  };

  private count(head: Ptr, by: number): void {
    const type = this.k.struct('hhook_head');
    type.set(head, 'hhh_refcount', type.get(head, 'hhh_refcount') + by);
  }

  private find(type: number, id: number): Ptr[] {
    const struct = this.k.struct('hhook_head');
    return [...this.heads.keys()].filter(
      (head) => struct.get(head, 'hhh_type') === type && struct.get(head, 'hhh_id') === id,
    );
  }

  private acquire(type: number, id: number): Ptr {
    const struct = this.k.struct('hhook_head');
    const { curthread } = this.k;
    const vnet = this.k.struct('thread').getBig(curthread, 'td_vnet');
    const head = this.find(type, id).find((one) => {
      const inVnet = struct.get(one, 'hhh_flags') & this.k.macro('HHH_ISINVNET');
      return !inVnet || struct.getBig(one, 'hhh_vid') === vnet;
    });
    if (head === undefined) return 0;
    this.count(head, 1);
    return head;
  }

  private registerHead(type: number, id: number, at: Ptr, flags: number): number {
    const { k } = this;
    const known = this.acquire(type, id);
    if (known !== 0) {
      this.count(known, -1);
      return EEXIST;
    }
    const struct = k.struct('hhook_head');
    const head = k.slab.allocateBytes(struct.size, true);
    struct.set(head, 'hhh_type', type);
    struct.set(head, 'hhh_id', id);
    struct.set(head, 'hhh_refcount', at === 0 ? 0 : 1);
    k.get(RmLocks).exports.rm_init(struct.addr(head, 'hhh_lock'), k.constantString('hhook_head rm lock'));
    if (flags & k.macro('HHOOK_HEADISINVNET')) {
      struct.set(head, 'hhh_flags', k.macro('HHH_ISINVNET'));
      struct.setBig(head, 'hhh_vid', k.struct('thread').getBig(k.curthread, 'td_vnet'));
    }
    this.heads.set(head, []);
    k.origins.note(head);
    this.onHead(head);
    if (at !== 0) k.space.storePtr(at, head);
    return 0;
  }

  private deregisterHead(head: Ptr): number {
    const { k } = this;
    const struct = k.struct('hhook_head');
    if (head === 0) return ENOENT;
    if (struct.get(head, 'hhh_refcount') > 1) return EBUSY;
    this.heads.delete(head);
    k.origins.forget(head);
    k.get(RmLocks).exports.rm_destroy(struct.addr(head, 'hhh_lock'));
    k.slab.free(head);
    return 0;
  }

  private read(info: Ptr): Hook {
    const type = this.k.struct('hookinfo');
    return {
      func: type.get(info, 'hook_func'),
      helper: type.get(info, 'hook_helper'),
      udata: type.get(info, 'hook_udata'),
    };
  }

  add(head: Ptr, info: Ptr): number {
    const hooks = this.heads.get(head);
    if (!hooks) return ENOENT;
    const hook = this.read(info);
    if (hooks.some(({ func, udata }) => func === hook.func && udata === hook.udata)) return EEXIST;
    hooks.push(hook);
    this.k.struct('hhook_head').set(head, 'hhh_nhooks', hooks.length);
    return 0;
  }

  private remove(head: Ptr, info: Ptr): number {
    const hooks = this.heads.get(head);
    if (!hooks) return ENOENT;
    const hook = this.read(info);
    const at = hooks.findIndex(({ func, udata }) => func === hook.func && udata === hook.udata);
    if (at >= 0) hooks.splice(at, 1);
    this.k.struct('hhook_head').set(head, 'hhh_nhooks', hooks.length);
    return 0;
  }

  private headsOf(info: Ptr): Ptr[] {
    const type = this.k.struct('hookinfo');
    return this.find(type.get(info, 'hook_type'), type.get(info, 'hook_id'));
  }

  /** At every point of its type and number, of all network stacks. */
  addToAll(info: Ptr): number {
    for (const head of this.headsOf(info)) {
      const error = this.add(head, info);
      if (error !== 0) return error;
    }
    return 0;
  }

  removeFromAll(info: Ptr): number {
    for (const head of this.headsOf(info)) this.remove(head, info);
    return 0;
  }

  private *run(head: Ptr, context: Ptr, osd: Ptr): Sleepable<void> {
    const { k } = this;
    const struct = k.struct('hhook_head');
    const helper = k.struct('helper');
    const [type, id] = [struct.get(head, 'hhh_type'), struct.get(head, 'hhh_id')];
    for (const hook of [...(this.heads.get(head) ?? [])]) {
      const needsOsd =
        hook.helper !== 0 && (helper.get(hook.helper, 'h_flags') & k.macro('HELPER_NEEDS_OSD')) !== 0;
      const data = needsOsd ? k.get(Osd).get(osd, helper.get(hook.helper, 'h_id')) : 0;
      if (needsOsd && data === 0) continue;
      yield* k.callAs('hhook_func_t', hook.func, type, id, hook.udata, context, data, osd);
    }
  }

  *holds(): Generator<Holding> {
    for (const [head, hooks] of this.heads) {
      yield { kind: 'helper hook point', at: head, by: this.k.origins.of(head), name: () => '' };
      for (const { func, helper } of hooks)
        yield { kind: 'helper hook', at: func, uses: [func, helper], name: () => '' };
    }
  }
}
