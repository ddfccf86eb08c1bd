import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_CRIT, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { counting, HARDIRQ_OFFSET } from '../abi/preempt-count.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { IrqChips } from './chip.js';
import { IrqDescs, ISTATE } from './irq-desc.js';
import { IrqThreads } from './threads.js';

/**
 * An interrupt's way to its handlers: by the function that its descriptor has for it, which knows how the chip wants to be told
 * (kernel/irq/chip.c, handle.c). Nothing in this machine raises one by itself: a device's model does (`raise`), or a module that
 * has interrupts behind one of its own.
 */
export class IrqHandling implements Subsystem {
  private readonly desc: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.desc = k.struct('irq_desc');
  }

  readonly exports = {
    generic_handle_irq: (irq: number) => this.generic(irq),
    generic_handle_irq_safe: (irq: number) => this.generic(irq),
    handle_simple_irq: (desc: Ptr) => this.simple(desc),
    handle_untracked_irq: (desc: Ptr) => this.simple(desc),
    handle_level_irq: (desc: Ptr) => this.level(desc),
    handle_fasteoi_irq: (desc: Ptr) => this.fastEoi(desc),
    handle_edge_irq: (desc: Ptr) => this.edge(desc),
    handle_bad_irq: (desc: Ptr) => this.bad(desc),
    handle_nested_irq: (irq: number) => this.nested(irq),
  };

  /** A device raises an interrupt: it is handled at the next opportunity, in a hard interrupt. */
  raise(irq: number): void {
    this.k.scheduler.interrupt(`irq ${irq}`, () => this.inHardInterrupt(() => this.generic(irq)), false);
  }

  /** Whether a line is high, for lines that are levels: who has the lines sets it. */
  isHigh: (irq: number) => boolean = () => false;

  private readonly raised = new Set<number>();

  /** A line went high, or can be served again: it interrupts for as long as it is high and not turned off. */
  raiseLevel(irq: number): void {
    if (this.raised.has(irq)) return;
    this.raised.add(irq);
    this.k.scheduler.interrupt(`irq ${irq}`, () => this.inHardInterrupt(() => this.serveLevel(irq)), false);
  }

  private *serveLevel(irq: number): Sleepable<void> {
    this.raised.delete(irq);
    if (!this.isHigh(irq)) return;
    yield* this.generic(irq);
    if (this.isHigh(irq) && this.canCome(irq)) this.raiseLevel(irq);
  }

  private canCome(irq: number): boolean {
    const descs = this.k.get(IrqDescs);
    const desc = descs.of(irq);
    return desc !== 0 && !descs.has(desc, 'IRQD_IRQ_DISABLED') && !descs.has(desc, 'IRQD_IRQ_MASKED');
  }

  /** An interrupt that came while it was off, and is on again (check_irq_resend()): a level comes again by itself. */
  resend(desc: Ptr): void {
    const { k } = this;
    const pending = k.enumValue('IRQS_PENDING');
    const state = this.state(desc);
    if ((state & pending) === 0 || k.get(IrqDescs).has(desc, 'IRQD_LEVEL')) return;
    this.setState(desc, (state & ~pending) | k.enumValue('IRQS_REPLAY'));
    this.raise(this.desc.get(desc, 'irq_data.irq'));
  }

  private *inHardInterrupt(body: () => Sleepable<unknown>): Sleepable<void> {
    const { cpu } = this.k;
    const { interruptsEnabled } = cpu;
    cpu.interruptsEnabled = false;
    try {
      yield* counting(this.k, HARDIRQ_OFFSET, body());
    } finally {
      cpu.interruptsEnabled = interruptsEnabled;
    }
  }

  /** generic_handle_irq() */
  private *generic(irq: number): Sleepable<number> {
    const desc = this.k.get(IrqDescs).of(irq);
    if (desc === 0) return -EINVAL;
    yield* this.desc.call(desc, 'handle_irq', desc);
    return 0;
  }

  private *simple(desc: Ptr): Sleepable<void> {
    if (this.begin(desc)) yield* this.event(desc);
  }

  private *level(desc: Ptr): Sleepable<void> {
    yield* this.maskAndAcknowledge(desc);
    if (!this.begin(desc)) return;
    yield* this.event(desc);
    yield* this.unmaskUnlessThreaded(desc);
  }

  private *fastEoi(desc: Ptr): Sleepable<void> {
    const chips = this.k.get(IrqChips);
    const runs = this.begin(desc);
    const oneshot = (this.state(desc) & this.k.enumValue('IRQS_ONESHOT')) !== 0;
    if (!runs || oneshot) yield* chips.mask(desc);
    if (runs) yield* this.event(desc);
    yield* this.k.get(IrqDescs).onChip(desc, 'irq_eoi');
    if (runs) yield* this.unmaskUnlessThreaded(desc);
  }

  private *edge(desc: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.begin(desc)) {
      yield* this.maskAndAcknowledge(desc);
      return;
    }
    yield* k.get(IrqDescs).onChip(desc, 'irq_ack');
    do {
      if (this.desc.get(desc, 'action') === 0) {
        yield* k.get(IrqChips).mask(desc);
        return;
      }
      yield* this.event(desc);
    } while (
      (this.state(desc) & k.enumValue('IRQS_PENDING')) !== 0 &&
      !k.get(IrqDescs).has(desc, 'IRQD_IRQ_DISABLED')
    );
  }

  private bad(desc: Ptr): void {
    this.count(desc);
    const irq = this.desc.get(desc, 'irq_data.irq');
    this.k.log.line(`unexpected IRQ trap at vector ${irq.toString(16).padStart(2, '0')}`, LOGLEVEL_CRIT);
  }

  /** handle_nested_irq(): in the thread of the interrupt that it came by, which may sleep. */
  private *nested(irq: number): Sleepable<void> {
    const desc = this.k.get(IrqDescs).of(irq);
    if (desc === 0 || !this.begin(desc)) return;
    const type = this.k.struct('irqaction');
    for (let action = this.desc.get(desc, 'action'); action !== 0; action = type.get(action, 'next'))
      yield* type.call(action, 'thread_fn', irq, type.get(action, 'dev_id'));
  }

  /** Counts it, and says whether it is to be handled now: else it is pending. */
  private begin(desc: Ptr): boolean {
    const { k } = this;
    const descs = k.get(IrqDescs);
    const pending = k.enumValue('IRQS_PENDING');
    const running = descs.has(desc, 'IRQD_IRQ_INPROGRESS');
    const left = this.state(desc) & ~(k.enumValue('IRQS_REPLAY') | k.enumValue('IRQS_WAITING'));
    this.setState(desc, left);
    this.count(desc);
    const handled = !running && this.desc.get(desc, 'action') !== 0 && !descs.has(desc, 'IRQD_IRQ_DISABLED');
    if (!handled) this.setState(desc, left | pending);
    return handled;
  }

  private count(desc: Ptr): void {
    const at = this.k.percpu.deref(this.desc.get(desc, 'kstat_irqs'));
    this.k.space.store32(at, this.k.space.load32(at) + 1);
    this.desc.set(desc, 'tot_count', this.desc.get(desc, 'tot_count') + 1);
  }

  /** How often an interrupt has come (kstat_irqs()). */
  counted(desc: Ptr): number {
    return this.k.space.load32(this.k.percpu.deref(this.desc.get(desc, 'kstat_irqs')));
  }

  private *maskAndAcknowledge(desc: Ptr): Sleepable<void> {
    yield* this.k.get(IrqChips).mask(desc);
    yield* this.k.get(IrqDescs).onChip(desc, 'irq_ack');
  }

  /** cond_unmask_irq(): not while a thread has still to tell the device. */
  private *unmaskUnlessThreaded(desc: Ptr): Sleepable<void> {
    if (this.k.get(IrqDescs).has(desc, 'IRQD_IRQ_DISABLED')) return;
    if (this.desc.get(desc, 'threads_oneshot') === 0) yield* this.k.get(IrqChips).unmask(desc);
  }

  /** handle_irq_event() */
  private *event(desc: Ptr): Sleepable<void> {
    const { k } = this;
    const descs = k.get(IrqDescs);
    this.setState(desc, this.state(desc) & ~k.enumValue('IRQS_PENDING'));
    descs.change(desc, [], ['IRQD_IRQ_INPROGRESS']);
    try {
      yield* this.handlers(desc);
    } finally {
      descs.change(desc, ['IRQD_IRQ_INPROGRESS'], []);
    }
  }

  private *handlers(desc: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('irqaction');
    const irq = this.desc.get(desc, 'irq_data.irq');
    for (let action = this.desc.get(desc, 'action'); action !== 0; action = type.get(action, 'next')) {
      const result = yield* type.call(action, 'handler', irq, type.get(action, 'dev_id'));
      if (result === k.enumValue('IRQ_WAKE_THREAD')) this.wakeThread(desc, action, irq);
    }
  }

  private wakeThread(desc: Ptr, action: Ptr, irq: number): void {
    const { k } = this;
    if (k.get(IrqThreads).wake(desc, action)) return;
    const name = k.struct('irqaction').string(action, 'name');
    k.log.line(
      `IRQ ${irq} device ${name} returned IRQ_WAKE_THREAD but no thread function available.`,
      LOGLEVEL_WARNING,
    );
  }

  /** desc->istate */
  private state(desc: Ptr): number {
    return this.desc.get(desc, ISTATE);
  }

  private setState(desc: Ptr, state: number): void {
    this.desc.set(desc, ISTATE, state >>> 0);
  }
}
