import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_INFO, LOGLEVEL_WARNING, type LogRecord } from '../../kernel/log.js';
import { EINVAL, ENODEV } from '../errno.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { ConsoleList } from './console-list.js';

/** Flags of struct console (include/linux/console.h). */
const CON_PRINTBUFFER = 1 << 0;
const CON_ENABLED = 1 << 2;
const NS_PER_US = 1000;

/**
 * Consoles of modules (kernel/printk/printk.c). The machine's own shows the whole log already, so a module's becomes one
 * only if it says itself that it is enabled, or if `console=` names it. Lines reach it a moment after they were logged.
 */
export class Consoles implements Subsystem {
  /** Sequence number of the record that each console is given next. */
  private readonly next = new Map<Ptr, number>();
  private printing = false;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_console: (console: Ptr) => this.register(console),
    unregister_console: (console: Ptr) => this.unregister(console),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'console', struct: 'console', name: 'name', uses: ['write'] },
      this.next.keys(),
    );
  }

  boot(): void {
    this.k.log.onRecord(() => this.kick());
  }

  private *register(console: Ptr): Sleepable<void> {
    const { k } = this;
    if (this.next.has(console)) {
      k.log.line(`console '${this.type.text(console, 'name')}' already registered`, LOGLEVEL_WARNING);
      return;
    }
    if (!(yield* this.enable(console))) return;
    const fromStart = (this.type.get(console, 'flags') & CON_PRINTBUFFER) !== 0;
    this.next.set(console, fromStart ? 0 : k.log.next);
    this.k.origins.note(console);
    yield* k.get(ConsoleList).add(console);
    this.say(console, 'enabled');
  }

  /** Whether the console is to be used: as `console=NAME[INDEX][,OPTIONS]` says, or by its own flag. */
  private *enable(console: Ptr): Sleepable<boolean> {
    const { k, type } = this;
    const name = type.text(console, 'name');
    for (const [, wanted] of k.cmdline.matchAll(/(?:^|\s)console=(\S+)/g)) {
      const [, called, index, options] = /^(.*?)(\d*)(?:,(.*))?$/.exec(wanted) ?? [];
      const own = type.get(console, 'index');
      if (called !== name || (own >= 0 && own !== Number(index))) continue;
      if (own < 0) type.set(console, 'index', Number(index));
      const text = options === undefined ? 0 : k.constantString(options);
      if (type.get(console, 'setup') !== 0 && (yield* type.call(console, 'setup', console, text)) !== 0)
        return false;
      type.set(console, 'flags', type.get(console, 'flags') | CON_ENABLED);
      return true;
    }
    return (type.get(console, 'flags') & CON_ENABLED) !== 0;
  }

  private *unregister(console: Ptr): Sleepable<number> {
    const { k, type } = this;
    if (console === 0) return -EINVAL;
    this.say(console, 'disabled');
    if (!this.next.delete(console)) return -ENODEV;
    yield* k.get(ConsoleList).remove(console);
    type.set(console, 'flags', type.get(console, 'flags') & ~CON_ENABLED);
    return type.get(console, 'exit') === 0 ? 0 : yield* type.call(console, 'exit', console);
  }

  private say(console: Ptr, what: string): void {
    // Kernels that tell consoles with a lock of their own from others say so.
    const kind = this.k.types.findEnumValue('CON_NBCON') === undefined ? '' : 'legacy ';
    const index = this.type.get(console, 'index');
    this.k.log.line(
      `printk: ${kind}console [${this.type.text(console, 'name')}${index}] ${what}`,
      LOGLEVEL_INFO,
    );
  }

  private get type() {
    return this.k.struct('console');
  }

  /** Has a task write what the consoles have not seen yet. */
  private kick(): void {
    if (this.printing || this.next.size === 0) return;
    this.printing = true;
    this.k.processes.create('printk', this.print(), { kernelThread: true });
  }

  private *print(): Sleepable<void> {
    const { k } = this;
    for (let console = this.behind(); console !== undefined; console = this.behind()) {
      const record = k.log.at(this.next.get(console)!);
      if (!record) break;
      this.next.set(console, record.sequence + 1);
      if (this.type.get(console, 'write') !== 0) yield* this.writeLine(console, record);
    }
    this.printing = false;
  }

  private behind(): Ptr | undefined {
    const { next } = this.k.log;
    return [...this.next].find(([, sequence]) => sequence < next)?.[0];
  }

  private *writeLine(console: Ptr, record: LogRecord): Sleepable<void> {
    const { k } = this;
    const us = Math.floor(record.time / NS_PER_US);
    const stamp = `${String(Math.floor(us / 1e6)).padStart(5)}.${String(us % 1e6).padStart(6, '0')}`;
    const bytes = new TextEncoder().encode(`[${stamp}] ${record.text}\n`);
    const buffer = k.slab.allocateBytes(bytes.length, true);
    if (buffer === 0) return;
    k.space.bytes.set(bytes, buffer);
    yield* this.type.call(console, 'write', console, buffer, bytes.length);
    k.slab.free(buffer);
  }
}
