import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import { type KnownTaint, TAINT_FLAGS, type TaintName, taintBit } from '../kallsyms/taint.js';
import type { LinuxKernel } from '../kernel.js';

/** Who set a taint flag first. */
export interface TaintCause {
  /** The module that did it, or in whose code it happened; '' for none. */
  readonly module: string;
  /** The task that ran then. */
  readonly task: string;
  /** What happened, in a line. */
  readonly reason: string;
}

interface CausedTaint {
  readonly flag: KnownTaint;
  readonly cause: TaintCause;
}

/** The kernel's taint mask (tainted_mask of kernel/panic.c), and who is to blame for each flag. */
export class KernelTaint {
  mask = 0;
  /** debug_locks: whether the kernel still trusts its lock debugging. */
  private debugsLocks = true;
  private readonly causes = new Map<TaintName, TaintCause>();
  private known: readonly KnownTaint[] | undefined;

  constructor(private readonly k: LinuxKernel) {}

  /** Flags that the target knows: TAINT_FWCTL came with the fwctl subsystem. */
  get flags(): readonly KnownTaint[] {
    this.known ??= TAINT_FLAGS.filter(({ name }) => name !== 'FWCTL' || this.k.configured('CONFIG_FWCTL'));
    return this.known;
  }

  /** add_taint() with LOCKDEP_STILL_OK. */
  add(name: TaintName, reason: string, module = ''): void {
    this.mask |= 1 << taintBit(name);
    if (this.causes.has(name)) return;
    const task = this.k.executor.current?.name ?? '';
    this.causes.set(name, { module, task, reason });
  }

  /** add_taint() with LOCKDEP_NOW_UNRELIABLE. */
  addUnreliable(name: TaintName, reason: string, module = ''): void {
    if (this.debugsLocks) this.k.log.line('Disabling lock debugging due to kernel taint', LOGLEVEL_WARNING);
    this.debugsLocks = false;
    this.add(name, reason, module);
  }

  /** debug_locks_off(), which an oops does without a word. */
  distrustLocks(): void {
    this.debugsLocks = false;
  }

  has(name: TaintName): boolean {
    return (this.mask & (1 << taintBit(name))) !== 0;
  }

  /** The flags that are set, bit 0 first, with who set them. */
  list(): CausedTaint[] {
    return TAINT_FLAGS.filter(({ name }) => this.has(name)).map((flag) => ({
      flag,
      cause: this.causes.get(flag.name)!,
    }));
  }

  /** As oopses show it: `Tainted: G           OE`, or `Not tainted` (print_tainted()). */
  print(): string {
    if (this.mask === 0) return 'Not tainted';
    return `Tainted: ${this.flags.map((flag) => (this.mask & (1 << flag.bit) ? flag.letter : flag.clear)).join('')}`;
  }

  /**
   * `Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE`, the line that kernels add to oopses whose flags have names
   * (print_tainted_verbose()); undefined where nothing is tainted, or for others.
   */
  printNames(): string | undefined {
    if (this.mask === 0 || !this.hasNames) return undefined;
    return `Tainted: ${this.list()
      .map(({ flag }) => `[${flag.letter}]=${flag.name}`)
      .join(', ')}`;
  }

  /** Whether the target's table of flags has a name for each. */
  get hasNames(): boolean {
    return this.k.struct('taint_flag').has('desc');
  }
}
