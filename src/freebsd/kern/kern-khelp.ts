import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EDOOFUS, EINVAL, ENOENT, ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_QUIESCE, MOD_SHUTDOWN, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';
import { Hhooks } from './kern-hhook.js';
import { Osd } from './kern-osd.js';
import { SubrPrf } from './subr_prf.js';
import { Uma } from './uma.js';

/** khelp(9) (sys/kern/kern_khelp.c): helpers, which hook themselves into points of the network stack and keep data by its objects. */
export class Khelp implements Subsystem {
  /** Highest h_id first. */
  private helpers: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    khelp_modevent: (_module: Ptr, event: number, data: Ptr) => this.event(event, data),
    khelp_register_helper: (helper: Ptr) => this.register(helper),
    khelp_deregister_helper: (helper: Ptr) => this.deregister(helper),
    khelp_get_id: (name: Ptr) => this.idOf(this.k.space.cstring(name)),
    khelp_get_osd: (osd: Ptr, id: number) => this.k.get(Osd).get(osd, id),
    khelp_init_osd: (classes: number, osd: Ptr) => this.initOsd(classes, osd),
    khelp_destroy_osd: (osd: Ptr) => this.destroyOsd(osd),
    khelp_add_hhook: (info: Ptr) => this.k.get(Hhooks).addToAll(info),
    khelp_remove_hhook: (info: Ptr) => this.k.get(Hhooks).removeFromAll(info),
  };

  boot(): void {
    this.k.get(Hhooks).onHead = (head) => this.newHead(head);
  }

  private get needsOsd(): number {
    return this.k.macro('HELPER_NEEDS_OSD');
  }

  private *event(event: number, data: Ptr): Sleepable<number> {
    switch (event) {
      case MOD_LOAD:
        return yield* this.load(data);
      case MOD_QUIESCE:
      case MOD_SHUTDOWN:
      case MOD_UNLOAD:
        return yield* this.unload(data);
      default:
        return EINVAL;
    }
  }

  private *load(data: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('khelp_modevent_data');
    const struct = k.struct('helper');
    const helper = type.get(data, 'helper');
    if (struct.get(helper, 'h_flags') & this.needsOsd) {
      const size = type.get(data, 'uma_zsize');
      if (size <= 0) {
        k.get(SubrPrf).line('Use KHELP_DECLARE_MOD_UMA() instead!');
        return EDOOFUS;
      }
      const [ctor, dtor] = [type.get(data, 'umactor'), type.get(data, 'umadtor')];
      const zone = k.get(Uma).create(type.text(data, 'name'), size, { ctor, dtor, init: 0, fini: 0 }, 0, 0);
      struct.set(helper, 'h_zone', zone);
    }
    struct.setText(helper, 'h_name', type.text(data, 'name'));
    struct.set(helper, 'h_hooks', type.get(data, 'hooks'));
    struct.set(helper, 'h_nhooks', type.get(data, 'nhooks'));
    const error = struct.get(helper, 'mod_init') === 0 ? 0 : yield* struct.call(helper, 'mod_init');
    return error === 0 ? yield* this.register(helper) : error;
  }

  private *unload(data: Ptr): Sleepable<number> {
    const { k } = this;
    const struct = k.struct('helper');
    const helper = k.struct('khelp_modevent_data').get(data, 'helper');
    const error = yield* this.deregister(helper);
    // One that is not in the list may go.
    if (error === ENOENT) return 0;
    if (error === EBUSY) {
      const name = k.struct('khelp_modevent_data').text(data, 'name');
      const refs = struct.get(helper, 'h_refcount');
      k.get(SubrPrf).line(`Khelp module "${name}" can't unload until its refcount drops from ${refs} to 0.`);
      return error;
    }
    if (struct.get(helper, 'h_flags') & this.needsOsd)
      yield* k.get(Uma).destroy(struct.get(helper, 'h_zone'));
    if (struct.get(helper, 'mod_destroy') !== 0) yield* struct.call(helper, 'mod_destroy');
    return 0;
  }

  private hooksOf(helper: Ptr): Ptr[] {
    const struct = this.k.struct('helper');
    const { size } = this.k.struct('hookinfo');
    const first = struct.get(helper, 'h_hooks');
    return Array.from({ length: struct.get(helper, 'h_nhooks') }, (_, i) => first + i * size);
  }

  *register(helper: Ptr): Sleepable<number> {
    const { k } = this;
    const struct = k.struct('helper');
    struct.set(helper, 'h_refcount', 0);
    struct.set(helper, 'h_id', k.get(Osd).register(k.macro('OSD_KHELP'), 0, 0));
    const done: Ptr[] = [];
    for (const info of this.hooksOf(helper)) {
      k.struct('hookinfo').set(info, 'hook_helper', helper);
      const error = k.get(Hhooks).addToAll(info);
      if (error !== 0) {
        this.complain('khelp_register_helper', helper, info, error);
        for (const one of done) k.get(Hhooks).removeFromAll(one);
        yield* k.get(Osd).deregister(k.macro('OSD_KHELP'), struct.get(helper, 'h_id'));
        return error;
      }
      done.push(info);
    }
    this.helpers = [...this.helpers, helper].sort((a, b) => struct.get(b, 'h_id') - struct.get(a, 'h_id'));
    return 0;
  }

  private complain(where: string, helper: Ptr, info: Ptr, error: number): void {
    const { k } = this;
    const hook = k.struct('hookinfo');
    const point = `hook type ${hook.get(info, 'hook_type')} id ${hook.get(info, 'hook_id')}`;
    const name = k.struct('helper').text(helper, 'h_name');
    k.get(SubrPrf).line(`${where}: "${name}" khelp module unable to ${point} due to error ${error}`);
  }

  *deregister(helper: Ptr): Sleepable<number> {
    const { k } = this;
    const struct = k.struct('helper');
    if (struct.get(helper, 'h_refcount') > 0) return EBUSY;
    if (!this.helpers.includes(helper)) return ENOENT;
    this.helpers = this.helpers.filter((other) => other !== helper);
    for (const info of this.hooksOf(helper)) k.get(Hhooks).removeFromAll(info);
    yield* k.get(Osd).deregister(k.macro('OSD_KHELP'), struct.get(helper, 'h_id'));
    return 0;
  }

  /** A hook point came: helpers that were there before hook themselves in. */
  newHead(head: Ptr): void {
    const { k } = this;
    const point = k.struct('hhook_head');
    const hook = k.struct('hookinfo');
    for (const helper of this.helpers)
      for (const info of this.hooksOf(helper)) {
        if (point.get(head, 'hhh_type') !== hook.get(info, 'hook_type')) continue;
        if (point.get(head, 'hhh_id') !== hook.get(info, 'hook_id')) continue;
        const error = k.get(Hhooks).add(head, info);
        if (error !== 0) this.complain('khelp_new_hhook_registered', helper, info, error);
      }
  }

  private idOf(name: string): number {
    const struct = this.k.struct('helper');
    const helper = this.helpers.find((one) => struct.text(one, 'h_name') === name);
    return helper === undefined ? -1 : struct.get(helper, 'h_id');
  }

  private *initOsd(classes: number, osd: Ptr): Sleepable<number> {
    const { k } = this;
    const struct = k.struct('helper');
    for (const helper of this.helpers) {
      if ((struct.get(helper, 'h_classes') & classes) === 0) continue;
      if ((struct.get(helper, 'h_flags') & this.needsOsd) === 0) continue;
      const data = yield* k.get(Uma).alloc(struct.get(helper, 'h_zone'), 0, k.macro('M_NOWAIT'));
      if (data === 0) {
        yield* this.destroyOsd(osd);
        return ENOMEM;
      }
      k.get(Osd).set(k.macro('OSD_KHELP'), osd, struct.get(helper, 'h_id'), data);
      struct.set(helper, 'h_refcount', struct.get(helper, 'h_refcount') + 1);
    }
    return 0;
  }

  private *destroyOsd(osd: Ptr): Sleepable<number> {
    const { k } = this;
    const struct = k.struct('helper');
    for (const helper of this.helpers) {
      const id = struct.get(helper, 'h_id');
      const data = k.get(Osd).get(osd, id);
      if (data === 0) continue;
      yield* k.get(Uma).free(struct.get(helper, 'h_zone'), data, 0);
      yield* k.get(Osd).remove(k.macro('OSD_KHELP'), osd, id);
      struct.set(helper, 'h_refcount', struct.get(helper, 'h_refcount') - 1);
    }
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const at of this.helpers)
      yield { kind: 'helper', at, name: () => this.k.struct('helper').text(at, 'h_name') };
  }
}
