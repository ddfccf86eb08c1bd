import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, ENOENT } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnet } from './vnet.js';

/** A packet filter: struct pfil_hook, which only pfil.c looks into. */
interface Hook {
  readonly at: Ptr;
  readonly vnet: Ptr;
  readonly type: number;
  readonly flags: number;
  readonly mbufCheck: Ptr;
  readonly memCheck: Ptr;
  readonly ruleset: Ptr;
  readonly module: string;
  readonly name: string;
}

/** A point where packets pass. Its struct begins with two numbers, which inlined code looks at (struct _pfil_head). */
interface Head {
  readonly at: Ptr;
  readonly vnet: Ptr;
  readonly type: number;
  readonly flags: number;
  readonly name: string;
  readonly in: Hook[];
  readonly out: Hook[];
}

const PFIL_HEAD_BYTES = 128;
const HOOK_BYTES = 64;
/** The points that the kernel has itself in each network stack: V_inet_pfil_head and its kin. */
const OWN_HEADS = [
  { variable: 'inet_pfil_head', name: 'inet', type: 'PFIL_TYPE_IP4' },
  { variable: 'inet_local_pfil_head', name: 'inet-local', type: 'PFIL_TYPE_IP4' },
  { variable: 'inet6_pfil_head', name: 'inet6', type: 'PFIL_TYPE_IP6' },
  { variable: 'inet6_local_pfil_head', name: 'inet6-local', type: 'PFIL_TYPE_IP6' },
  { variable: 'link_pfil_head', name: 'ethernet', type: 'PFIL_TYPE_ETHERNET' },
] as const;

/** pfil(9) (sys/net/pfil.c): packet filters and where they are asked. */
export class Pfil implements Subsystem {
  private readonly heads = new Map<Ptr, Head>();
  private readonly hooks = new Map<Ptr, Hook>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    pfil_head_register: (args: Ptr) => this.registerHead(args),
    pfil_head_unregister: (head: Ptr) => this.unregisterHead(head),
    pfil_add_hook: (args: Ptr) => this.addHook(args),
    pfil_remove_hook: (hook: Ptr) => this.removeHook(hook),
    pfil_link: (args: Ptr) => this.link(args),
    pfil_mbuf_in: (head: Ptr, m: Ptr, ifp: Ptr, inp: Ptr) => this.runMbuf(head, 'in', m, ifp, inp),
    pfil_mbuf_out: (head: Ptr, m: Ptr, ifp: Ptr, inp: Ptr) => this.runMbuf(head, 'out', m, ifp, inp),
    pfil_mem_in: (head: Ptr, mem: Ptr, length: number, ifp: Ptr, m: Ptr) =>
      this.runMem(head, 'in', { mem, length, ifp, m }),
    pfil_mem_out: (head: Ptr, mem: Ptr, length: number, ifp: Ptr, m: Ptr) =>
      this.runMem(head, 'out', { mem, length, ifp, m }),
  };

  boot(): void {
    const { k } = this;
    k.get(Vnet).eachFromNowOn((vnet) => {
      for (const { variable, name, type } of OWN_HEADS) {
        const flags = k.macro('PFIL_IN') | k.macro('PFIL_OUT');
        const head = this.makeHead(vnet, name, k.enumValue(type), flags);
        k.space.storePtr(k.get(Vnet).variable(variable, vnet), head);
      }
    });
  }

  private makeHead(vnet: Ptr, name: string, type: number, flags: number): Ptr {
    const at = this.k.slab.allocateBytes(PFIL_HEAD_BYTES, true);
    this.heads.set(at, { at, vnet, type, flags, name, in: [], out: [] });
    return at;
  }

  private registerHead(args: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('pfil_head_args');
    const vnet = k.get(Vnet).current;
    const name = type.string(args, 'pa_headname');
    for (const head of this.heads.values())
      if (head.vnet === vnet && head.name === name) k.get(SubrPrf).line(`pfil: duplicate head "${name}"`);
    const at = this.makeHead(vnet, name, type.get(args, 'pa_type'), type.get(args, 'pa_flags'));
    k.origins.note(at);
    return at;
  }

  private unregisterHead(at: Ptr): void {
    this.heads.delete(at);
    this.k.origins.forget(at);
    this.k.slab.free(at);
  }

  private addHook(args: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('pfil_hook_args');
    const vnet = k.get(Vnet).current;
    const [module, name] = [type.string(args, 'pa_modname'), type.string(args, 'pa_rulname')];
    if (this.findHook(vnet, module, name)) k.get(SubrPrf).line(`pfil: duplicate hook "${module}:${name}"`);
    const at = k.slab.allocateBytes(HOOK_BYTES, true);
    this.hooks.set(at, {
      at,
      vnet,
      type: type.get(args, 'pa_type'),
      flags: type.get(args, 'pa_flags'),
      mbufCheck: type.get(args, 'pa_mbuf_chk'),
      memCheck: type.get(args, 'pa_mem_chk'),
      ruleset: type.get(args, 'pa_ruleset'),
      module,
      name,
    });
    k.origins.note(at);
    return at;
  }

  private findHook(vnet: Ptr, module: string, name: string): Hook | undefined {
    for (const hook of this.hooks.values())
      if (hook.vnet === vnet && hook.module === module && hook.name === name) return hook;
    return undefined;
  }

  private removeHook(at: Ptr): void {
    const hook = this.hooks.get(at);
    if (!hook) return;
    for (const head of this.heads.values()) {
      while (unlinkFrom(head.in, hook) || unlinkFrom(head.out, hook)) {}
      this.count(head);
    }
    this.hooks.delete(at);
    this.k.origins.forget(at);
    this.k.slab.free(at);
  }

  /** head_nhooksin and head_nhooksout. */
  private count({ at, in: incoming, out }: Head): void {
    this.k.space.store32(at, incoming.length);
    this.k.space.store32(at + 4, out.length);
  }

  private link(args: Ptr): number {
    const { k } = this;
    const type = k.struct('pfil_link_args');
    const flags = type.get(args, 'pa_flags');
    const vnet = k.get(Vnet).current;
    const headAt = type.get(args, 'pa_head');
    const head =
      flags & k.macro('PFIL_HEADPTR')
        ? this.heads.get(headAt)
        : this.headNamed(vnet, k.space.cstring(headAt));
    const hook =
      flags & k.macro('PFIL_HOOKPTR')
        ? this.hooks.get(type.get(args, 'pa_hook'))
        : this.findHook(vnet, type.string(args, 'pa_modname'), type.string(args, 'pa_rulname'));
    if (!head || !hook) return ENOENT;
    const error =
      flags & k.macro('PFIL_UNLINK') ? this.unlinkHook(head, hook, flags) : this.linkHook(head, hook, flags);
    this.count(head);
    return error;
  }

  private headNamed(vnet: Ptr, name: string): Head | undefined {
    for (const head of this.heads.values()) if (head.vnet === vnet && head.name === name) return head;
    return undefined;
  }

  private linkHook(head: Head, hook: Hook, flags: number): number {
    const { k } = this;
    const [incoming, outgoing] = [flags & k.macro('PFIL_IN'), flags & k.macro('PFIL_OUT')];
    if (head.type !== hook.type || (hook.flags & flags & ~head.flags) !== 0) return EINVAL;
    if ((incoming && head.in.includes(hook)) || (outgoing && head.out.includes(hook))) return EEXIST;
    const append = (flags & k.macro('PFIL_APPEND')) !== 0;
    // What comes first on the way in comes last on the way out.
    if (incoming && append) head.in.push(hook);
    else if (incoming) head.in.unshift(hook);
    if (outgoing && append) head.out.unshift(hook);
    else if (outgoing) head.out.push(hook);
    return 0;
  }

  private unlinkHook(head: Head, hook: Hook, flags: number): number {
    const { k } = this;
    const incoming = (flags & k.macro('PFIL_IN')) !== 0 && unlinkFrom(head.in, hook);
    const outgoing = (flags & k.macro('PFIL_OUT')) !== 0 && unlinkFrom(head.out, hook);
    return incoming || outgoing ? 0 : ENOENT;
  }

  private *runMbuf(at: Ptr, way: 'in' | 'out', m: Ptr, ifp: Ptr, inp: Ptr): Sleepable<number> {
    const { k } = this;
    const flags = k.macro(way === 'in' ? 'PFIL_IN' : 'PFIL_OUT');
    const [dropped, consumed] = [k.enumValue('PFIL_DROPPED'), k.enumValue('PFIL_CONSUMED')];
    for (const { mbufCheck, ruleset } of [...(this.heads.get(at)?.[way] ?? [])]) {
      const verdict = yield* k.callAs('pfil_mbuf_chk_t', mbufCheck, m, ifp, flags, ruleset, inp);
      if (verdict === dropped || verdict === consumed) return verdict;
    }
    return k.enumValue('PFIL_PASS');
  }

  /** Packets that are in no mbuf yet. Filters that want one stop the thread: that is not here. */
  private *runMem(
    at: Ptr,
    way: 'in' | 'out',
    {
      mem,
      length,
      ifp,
      m,
    }: { readonly mem: Ptr; readonly length: number; readonly ifp: Ptr; readonly m: Ptr },
  ): Sleepable<number> {
    const { k } = this;
    const flags = k.macro(way === 'in' ? 'PFIL_IN' : 'PFIL_OUT');
    for (const { memCheck, ruleset } of [...(this.heads.get(at)?.[way] ?? [])]) {
      if (memCheck === 0) k.panic('modbox: pfil_mem_in: filters of mbufs alone are not implemented there');
      const verdict = yield* k.callAs('pfil_mem_chk_t', memCheck, mem, length, flags, ifp, ruleset, m);
      if (verdict !== k.enumValue('PFIL_PASS')) return verdict;
    }
    return k.enumValue('PFIL_PASS');
  }

  *holds(): Generator<Holding> {
    for (const { at, name, in: incoming, out } of this.heads.values()) {
      const by = this.k.origins.of(at);
      if (by)
        yield {
          kind: 'pfil head',
          at,
          by,
          parts: [...incoming, ...out].map((hook) => hook.at),
          name: () => name,
        };
    }
    for (const { at, module, name, mbufCheck, memCheck } of this.hooks.values()) {
      const by = this.k.origins.of(at);
      yield { kind: 'pfil hook', at, uses: [mbufCheck, memCheck], by, name: () => `${module}:${name}` };
    }
  }
}

function unlinkFrom(list: Hook[], hook: Hook): boolean {
  const at = list.indexOf(hook);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
