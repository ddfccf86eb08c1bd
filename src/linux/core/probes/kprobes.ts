import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LoadedModule } from '../../kallsyms/loaded-module.js';
import { Modules } from '../../kallsyms/modules.js';
import { symbolAt } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { probesOf, registerAll } from './array.js';
import { type Probe, ProbePoints } from './probe-points.js';

/** KPROBE_FLAG_*, which are macros (include/linux/kprobes.h). */
const GONE = 1;
const DISABLED = 2;
/** Where the instruction pointer is after the breakpoint. */
export const BREAKPOINT_BYTES = 1;

interface Registered {
  readonly address: Ptr;
  readonly probe: Probe;
  /** Whether it is in code that goes when the module's init has ended. */
  readonly init: boolean;
  readonly module: LoadedModule | undefined;
  readonly held: Held;
  armed: boolean;
}

/** What is told of a probe that a module forgot. */
type Held = () => Pick<Holding, 'kind' | 'uses' | 'parts'>;

/**
 * Kprobes (Documentation/trace/kprobes.rst) at the entries of functions; see ProbePoints for which. A probe on a function of the base
 * kernel that no module calls is registered and never hit: the base kernel does not call its functions by their addresses.
 */
export class Kprobes implements Subsystem {
  static readonly builtIn = 'CONFIG_KPROBES';

  private readonly registered = new Map<Ptr, Registered>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_kprobe: (probe: Ptr) => this.register(probe, this.handlers(probe)),
    unregister_kprobe: (probe: Ptr) => this.unregister(probe),
    register_kprobes: (probes: Ptr, count: number) => this.registerAll(probes, count),
    unregister_kprobes: (probes: Ptr, count: number) => {
      for (const probe of probesOf(this.k, probes, count)) this.unregister(probe);
    },
    enable_kprobe: (probe: Ptr) => this.enable(probe),
    disable_kprobe: (probe: Ptr) => this.disable(probe),
    // Not exported, but called through what a probe found.
    kallsyms_lookup_name: (name: Ptr) => this.lookup(this.k.space.cstring(name)),
  };

  readonly signatures = {
    kallsyms_lookup_name: 'p:p',
  };

  boot(): void {
    this.k.get(Modules).listen({
      wentLive: (module) => this.kill((entry) => entry.init && entry.module === module),
      removed: (module) => this.kill((entry) => entry.module === module),
    });
  }

  *holds(): Generator<Holding> {
    for (const [at, { address, held }] of this.registered)
      yield {
        ...held(),
        at,
        by: this.k.origins.of(at),
        name: () => symbolAt(this.k, address)?.name ?? '',
      };
  }

  /** register_kprobe(), with what is to happen when it is hit. */
  register(at: Ptr, probe: Probe, held: Held = () => this.held(at)): number {
    const { k } = this;
    const type = k.struct('kprobe');
    const address = this.addressOf(at);
    if (address < 0) return address;
    type.set(at, 'addr', address);
    if (this.isRegistered(at)) return -EINVAL;
    const flags = type.get(at, 'flags') & DISABLED;
    type.set(at, 'flags', flags);
    type.set(at, 'nmissed', 0);
    const points = k.get(ProbePoints);
    if (!points.isText(address)) return -EINVAL;
    const module = k.get(Modules).moduleAt(address);
    const init = module?.memory.some(
      (part) => part.init && address >= part.base && address < part.base + part.size,
    );
    const entry: Registered = { address, probe, module, held, init: init ?? false, armed: flags === 0 };
    if (entry.armed) points.attach(address, probe);
    this.registered.set(at, entry);
    k.origins.note(at);
    return 0;
  }

  unregister(at: Ptr): void {
    const type = this.k.struct('kprobe');
    if (!this.registered.has(at)) {
      type.set(at, 'addr', 0);
      return;
    }
    this.disarm(at);
    this.registered.delete(at);
  }

  /** Whether it is registered already, which the kernel warns of (warn_kprobe_rereg()). */
  isRegistered(at: Ptr): boolean {
    if (!this.registered.has(at)) return false;
    if (this.k.get(Modules).once.first('kprobe'))
      warn(this.k, '', 'kernel/kprobes.c:1524', 'register_kprobe');
    return true;
  }

  /** kprobe_addr(): where a probe is to be, or an error number. */
  addressOf(at: Ptr): number {
    const { k } = this;
    const type = k.struct('kprobe');
    const symbol = type.get(at, 'symbol_name');
    const given = type.get(at, 'addr');
    if ((symbol === 0) === (given === 0)) return -EINVAL;
    const base = symbol === 0 ? given : this.lookup(k.space.cstring(symbol));
    if (base === 0 || !symbolAt(k, base)) return -ENOENT;
    return base + type.get(at, 'offset');
  }

  private held(at: Ptr): ReturnType<Held> {
    const type = this.k.struct('kprobe');
    return { kind: 'kprobe', uses: ['pre_handler', 'post_handler'].map((member) => type.get(at, member)) };
  }

  private handlers(at: Ptr): Probe {
    const { k } = this;
    const type = k.struct('kprobe');
    return {
      shownIp: BREAKPOINT_BYTES,
      *before(regs) {
        return type.get(at, 'pre_handler') !== 0 && (yield* type.call(at, 'pre_handler', at, regs)) !== 0;
      },
      *after(regs): Sleepable<void> {
        if (type.get(at, 'post_handler') !== 0) yield* type.call(at, 'post_handler', at, regs, 0);
      },
      missed: () => type.set(at, 'nmissed', type.get(at, 'nmissed') + 1),
    };
  }

  private registerAll(probes: Ptr, count: number): number {
    const unregister = (probe: Ptr): void => this.unregister(probe);
    return registerAll(
      this.k,
      probes,
      count,
      (probe) => this.register(probe, this.handlers(probe)),
      unregister,
    );
  }

  private enable(at: Ptr): number {
    const entry = this.registered.get(at);
    const type = this.k.struct('kprobe');
    const flags = type.get(at, 'flags');
    if (!entry || (flags & GONE) !== 0) return -EINVAL;
    type.set(at, 'flags', flags & ~DISABLED);
    if (!entry.armed) this.k.get(ProbePoints).attach(entry.address, entry.probe);
    entry.armed = true;
    return 0;
  }

  private disable(at: Ptr): number {
    if (!this.registered.has(at)) return -EINVAL;
    this.disarm(at);
    return 0;
  }

  /** It stays marked as disabled, also when it is registered again: the kernel's surprise, not ours. */
  private disarm(at: Ptr): void {
    const entry = this.registered.get(at)!;
    const type = this.k.struct('kprobe');
    type.set(at, 'flags', type.get(at, 'flags') | DISABLED);
    if (entry.armed) this.k.get(ProbePoints).detach(entry.address, entry.probe);
    entry.armed = false;
  }

  /** The code that they are in goes. */
  private kill(gone: (entry: Registered) => boolean): void {
    const type = this.k.struct('kprobe');
    for (const [at, entry] of this.registered) {
      if (!gone(entry)) continue;
      if (entry.armed) this.k.get(ProbePoints).detach(entry.address, entry.probe);
      entry.armed = false;
      if (this.k.space.canRead(at, type.size)) type.set(at, 'flags', type.get(at, 'flags') | GONE);
    }
  }

  /** The address of a symbol of the kernel or of a module (also `module:symbol`), 0 if there is none; a function's is that which can be called. */
  lookup(name: string): Ptr {
    const { k } = this;
    const symbol = k.target.symbols.lookup(name);
    if (symbol) return /[tTwW]/.test(symbol.type) ? k.fn(name) : k.symbol(name);
    const [, of, own] = /^([^:]*):(.*)$/.exec(name) ?? [undefined, undefined, name];
    for (const module of k.get(Modules).list()) {
      if (of !== undefined && module.name !== of) continue;
      const address = module.symbolNamed(own);
      if (address !== undefined) return address;
    }
    return 0;
  }
}
