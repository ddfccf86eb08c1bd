import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, ENOENT } from '../../kernel/errno.js';
import { Unimplemented } from '../errors.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Members of struct kprobe that are called when the probe is hit. */
const HANDLERS = ['pre_handler', 'post_handler'] as const;

/**
 * Kprobes as far as they tell addresses (kernel/kprobes.c): a probe without handlers finds its symbol and does nothing, which is
 * how modules get at functions that are not exported. Code is not instrumented: a probe with a handler is not implemented, and
 * says so.
 */
export class Kprobes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_kprobe: (probe: Ptr) => this.register(probe),
    unregister_kprobe: () => {},
    // Not exported, but called through what a probe found.
    kallsyms_lookup_name: (name: Ptr) => this.lookup(this.k.space.cstring(name)),
  };

  readonly signatures = {
    kallsyms_lookup_name: 'p:p',
  };

  private register(probe: Ptr): number {
    const { k } = this;
    const type = k.struct('kprobe');
    const symbol = type.get(probe, 'symbol_name');
    const given = type.get(probe, 'addr');
    if ((symbol === 0) === (given === 0)) return -EINVAL;
    const base = symbol === 0 ? given : this.lookup(k.space.cstring(symbol));
    if (base === 0) return -ENOENT;
    if (HANDLERS.some((handler) => type.get(probe, handler) !== 0))
      throw new Unimplemented(
        'register_kprobe of a probe with a handler',
        'int register_kprobe(struct kprobe *p)',
      );
    type.set(probe, 'addr', base + type.get(probe, 'offset'));
    return 0;
  }

  /** The address of a symbol of the kernel or of a module, 0 if there is none; a function's is that which can be called. */
  private lookup(name: string): Ptr {
    const { k } = this;
    const symbol = k.target.symbols.lookup(name);
    if (symbol) return /[tTwW]/.test(symbol.type) ? k.fn(name) : k.symbol(name);
    for (const module of k.get(Modules).list()) {
      const address = module.symbolNamed(name);
      if (address !== undefined) return address;
    }
    return 0;
  }
}
