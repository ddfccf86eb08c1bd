import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import { symbolAt } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Kprobes } from './kprobes.js';
import { FENTRY_BYTES, type Probe, ProbePoints } from './probe-points.js';

interface Filter {
  readonly only: Set<Ptr>;
  readonly never: Set<Ptr>;
}

/** Functions that are called at the entries of others (Documentation/trace/ftrace-uses.rst), with a filter that names these. */
export class Ftrace implements Subsystem {
  static readonly builtIn = 'CONFIG_FUNCTION_TRACER';

  private readonly filters = new Map<Ptr, Filter>();
  private readonly traced = new Map<Ptr, ReadonlyMap<Ptr, Probe>>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_ftrace_function: (ops: Ptr) => this.register(ops),
    unregister_ftrace_function: (ops: Ptr) => this.unregister(ops),
    ftrace_set_filter_ip: (ops: Ptr, ip: number, remove: number, reset: number) =>
      this.filterIp(ops, ip, remove !== 0, reset !== 0),
    ftrace_set_filter: (ops: Ptr, text: Ptr, length: number, reset: number) =>
      this.filterName('only', ops, text, length, reset !== 0),
    ftrace_set_notrace: (ops: Ptr, text: Ptr, length: number, reset: number) =>
      this.filterName('never', ops, text, length, reset !== 0),
    ftrace_free_filter: (ops: Ptr) => void this.filters.delete(ops),
  };

  readonly signatures = {
    ftrace_set_filter_ip: 'i:ppii',
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('ftrace_ops');
    for (const at of this.traced.keys())
      yield {
        kind: 'ftrace function',
        at,
        uses: [type.get(at, 'func')],
        by: this.k.origins.of(at),
        name: () => '',
      };
  }

  private flag(name: string): number {
    return this.k.enumValue(`FTRACE_OPS_FL_${name}`);
  }

  private filterOf(ops: Ptr): Filter {
    let filter = this.filters.get(ops);
    if (!filter) {
      filter = { only: new Set(), never: new Set() };
      this.filters.set(ops, filter);
    }
    return filter;
  }

  private filterIp(ops: Ptr, ip: Ptr, remove: boolean, reset: boolean): number {
    const { only } = this.filterOf(ops);
    if (reset) only.clear();
    const found = this.k.get(ProbePoints).isText(ip) ? symbolAt(this.k, ip) : undefined;
    const entry = ip - (found?.offset ?? 0);
    if (!found || !this.k.get(ProbePoints).traceable(entry)) return -EINVAL;
    if (!remove) only.add(entry);
    else if (!only.delete(entry)) return -EINVAL;
    this.refresh(ops);
    return 0;
  }

  private filterName(which: keyof Filter, ops: Ptr, text: Ptr, length: number, reset: boolean): number {
    const set = this.filterOf(ops)[which];
    if (reset) set.clear();
    if (text === 0 || length === 0) return 0;
    const pattern = this.k.space.cstring(text, length).trim();
    if (/[*?[\]!]/.test(pattern))
      throw new Unimplemented(`ftrace's filter '${pattern}', which is a pattern`, '');
    const address = this.k.get(Kprobes).lookup(pattern);
    if (address === 0 || !this.k.get(ProbePoints).isText(address)) return -EINVAL;
    set.add(address);
    this.refresh(ops);
    return 0;
  }

  private register(ops: Ptr): number {
    const { k } = this;
    const type = k.struct('ftrace_ops');
    const flags = type.get(ops, 'flags');
    if (this.traced.has(ops)) {
      warn(k, '', 'kernel/trace/ftrace.c:304', '__register_ftrace_function');
      return -EBUSY;
    }
    const { only } = this.filterOf(ops);
    if (only.size === 0 && (flags & this.flag('IPMODIFY')) !== 0) return -EINVAL;
    if (only.size === 0)
      throw new Unimplemented('register_ftrace_function of a function that is to see all functions', '');
    type.set(ops, 'flags', flags | this.flag('ENABLED'));
    this.trace(ops);
    k.origins.note(ops);
    return 0;
  }

  private unregister(ops: Ptr): number {
    const { k } = this;
    if (!this.traced.has(ops)) {
      warn(k, '', 'kernel/trace/ftrace.c:346', '__unregister_ftrace_function');
      return -EBUSY;
    }
    this.untrace(ops);
    this.traced.delete(ops);
    const type = k.struct('ftrace_ops');
    type.set(ops, 'flags', type.get(ops, 'flags') & ~this.flag('ENABLED'));
    return 0;
  }

  private trace(ops: Ptr): void {
    const { only, never } = this.filterOf(ops);
    const probes = new Map<Ptr, Probe>();
    for (const address of only) {
      if (never.has(address)) continue;
      const probe = this.probe(ops, address);
      this.k.get(ProbePoints).attach(address, probe);
      probes.set(address, probe);
    }
    this.traced.set(ops, probes);
  }

  private untrace(ops: Ptr): void {
    for (const [address, probe] of this.traced.get(ops) ?? []) this.k.get(ProbePoints).detach(address, probe);
  }

  /** The filter of a function that is registered has changed. */
  private refresh(ops: Ptr): void {
    if (!this.traced.has(ops)) return;
    this.untrace(ops);
    this.trace(ops);
  }

  private probe(ops: Ptr, address: Ptr): Probe {
    const { k } = this;
    const type = k.struct('ftrace_ops');
    const registers = k.struct('pt_regs');
    const all = this.flag('SAVE_REGS') | this.flag('SAVE_REGS_IF_SUPPORTED');
    return {
      shownIp: FENTRY_BYTES,
      *before(regs): Sleepable<boolean> {
        // Without all registers there is no code segment: that is how ftrace_get_regs() knows.
        if ((type.get(ops, 'flags') & all) === 0) registers.set(regs, 'cs', 0);
        const parent = k.space.load64(k.space.fromAddress(registers.getBig(regs, 'sp')));
        yield* type.call(ops, 'func', k.space.toAddress(address), parent, ops, regs);
        return registers.getBig(regs, 'ip') !== k.space.toAddress(address + FENTRY_BYTES);
      },
    };
  }
}
