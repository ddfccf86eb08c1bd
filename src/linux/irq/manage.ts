import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EBUSY, EINVAL } from '../errno.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const IRQF_SHARED = 0x80;
/** Lines that a PC's interrupt controllers have, whether or not anything is connected. */
const LINES = 16;
/** Those that the kernel itself holds: the timer, the cascade, the clock. */
const TAKEN = new Map([
  [0, 'timer'],
  [2, 'cascade'],
  [8, 'rtc0'],
]);

/** Interrupts of the CPU itself (arch_show_interrupts()). */
const OWN_COUNTERS = [
  ['NMI', 'Non-maskable interrupts'],
  ['LOC', 'Local timer interrupts'],
  ['SPU', 'Spurious interrupts'],
  ['PMI', 'Performance monitoring interrupts'],
  ['IWI', 'IRQ work interrupts'],
  ['RTR', 'APIC ICR read retries'],
  ['RES', 'Rescheduling interrupts'],
  ['CAL', 'Function call interrupts'],
  ['TLB', 'TLB shootdowns'],
] as const;

interface Action {
  readonly handler: Ptr;
  readonly thread: Ptr;
  readonly flags: number;
  readonly name: string;
  readonly device: Ptr;
  readonly by: Origin;
}

/** Interrupt lines and their handlers (kernel/irq/manage.c). No device of this machine raises one by itself. */
export class Interrupts implements Subsystem {
  private readonly lines = new Map<number, Action[]>();
  private readonly depths = new Map<number, number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    request_threaded_irq: (irq: number, handler: Ptr, thread: Ptr, flags: number, name: Ptr, device: Ptr) =>
      this.request(irq, handler, thread, flags, name, device),
    request_any_context_irq: (irq: number, handler: Ptr, flags: number, name: Ptr, device: Ptr) =>
      this.request(irq, handler, 0, flags, name, device),
    free_irq: (irq: number, device: Ptr) => this.free(irq, device),
    disable_irq: (irq: number) => this.depth(irq, 1),
    disable_irq_nosync: (irq: number) => this.depth(irq, 1),
    disable_hardirq: (irq: number) => {
      this.depth(irq, 1);
      return true;
    },
    enable_irq: (irq: number) => this.depth(irq, -1),
    synchronize_irq: nothing('no handler runs on another CPU meanwhile', undefined),
    synchronize_hardirq: nothing('no handler runs on another CPU meanwhile', true),
  };

  *holds(): Generator<Holding> {
    for (const [irq, actions] of this.lines)
      for (const { handler, thread, name, device, by } of actions)
        yield {
          kind: 'interrupt handler',
          at: handler,
          uses: [handler, thread, device],
          by,
          name: () => `${name} (IRQ ${irq})`,
        };
  }

  /** request_threaded_irq(): -EINVAL for a line that nothing is connected to, -EBUSY for one that cannot be shared. */
  request(irq: number, handler: Ptr, thread: Ptr, flags: number, name: Ptr, device: Ptr): number {
    const shared = (flags & IRQF_SHARED) !== 0;
    if ((shared && device === 0) || !this.exists(irq, shared) || (handler === 0 && thread === 0))
      return -EINVAL;
    const others = this.lines.get(irq) ?? [];
    const text = name === 0 ? '' : this.k.space.cstring(name);
    const conflict =
      TAKEN.get(irq) ?? others.find((other) => !shared || (other.flags & IRQF_SHARED) === 0)?.name;
    if (conflict !== undefined) {
      const hex = flags.toString(16).padStart(8, '0');
      this.k.log.line(
        `genirq: Flags mismatch irq ${irq}. ${hex} (${text}) vs. 00000000 (${conflict})`,
        LOGLEVEL_ERR,
      );
      return -EBUSY;
    }
    this.lines.set(irq, [
      ...others,
      { handler, thread, flags, name: text, device, by: this.k.origins.here() },
    ]);
    return 0;
  }

  /**
   * A line that is the kernel's own, or any for who shares it, as devices on a bus do. To a card that wants one for itself
   * nothing is connected.
   */
  private exists(irq: number, shared: boolean): boolean {
    return TAKEN.has(irq) || (shared && irq < LINES);
  }

  /** show_interrupts(): no line of this machine is raised by itself. */
  text(): string {
    const row = (irq: number, name: string): string =>
      `${String(irq).padStart(3)}: ${'0'.padStart(10)}   IO-APIC ${`${irq}-edge`.padStart(4)}      ${name}\n`;
    const lines = Array.from({ length: LINES }, (_, irq) => {
      const names = [TAKEN.get(irq), ...(this.lines.get(irq) ?? []).map(({ name }) => name)].filter(Boolean);
      // The cascade has no handler that counts.
      return names.length === 0 || irq === 2 ? '' : row(irq, names.join(', '));
    });
    const counters = OWN_COUNTERS.map(([label, what]) => `${label}: ${'0'.padStart(10)}   ${what}\n`);
    return `${' '.repeat(11)}CPU0       \n${lines.join('')}${counters.join('')}ERR: ${'0'.padStart(10)}\nMIS: ${'0'.padStart(10)}\n`;
  }

  free(irq: number, device: Ptr): Ptr {
    const actions = this.lines.get(irq) ?? [];
    const action = actions.find((candidate) => candidate.device === device);
    if (!action) {
      const message = `Trying to free already-free IRQ ${irq}`;
      this.k.traps.warnWith(
        this.k.executor.current!,
        'warning',
        message,
        'kernel/irq/manage.c:1880',
        this.k.fn('free_irq'),
      );
      return 0;
    }
    this.lines.set(
      irq,
      actions.filter((candidate) => candidate !== action),
    );
    return this.k.constantString(action.name);
  }

  private depth(irq: number, by: number): void {
    const depth = (this.depths.get(irq) ?? 0) + by;
    if (depth < 0) {
      const message = `Unbalanced enable for IRQ ${irq}`;
      this.k.traps.warnWith(
        this.k.executor.current!,
        'warning',
        message,
        'kernel/irq/manage.c:774',
        this.k.fn('enable_irq'),
      );
      return;
    }
    this.depths.set(irq, depth);
  }
}
