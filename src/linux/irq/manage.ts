import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EBUSY, EINVAL, ENODEV, ENOSYS, ENOTCONN } from '../errno.js';
import type { Holding } from '../holding.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { IrqChips, TRIGGER_MASK } from './chip.js';
import { IrqHandling } from './handle.js';
import { IrqDescs, ISTATE, LEGACY_LINES } from './irq-desc.js';
import { IrqThreads } from './threads.js';

/** Flags of handlers (include/linux/interrupt.h). */
export const IRQF_SHARED = 0x80;
const IRQF_PROBE_SHARED = 0x100;
export const IRQF_ONESHOT = 0x2000;
const IRQF_NO_SUSPEND = 0x4000;
const IRQF_NO_THREAD = 0x1_0000;
const IRQF_COND_SUSPEND = 0x4_0000;
const IRQF_NO_AUTOEN = 0x8_0000;
/** IRQF_TIMER | IRQF_NOBALANCING | IRQF_IRQPOLL */
const TIMER_FLAGS = 0x1_5a00;
/** IRQ_NOTCONNECTED */
const NOT_CONNECTED = 0x8000_0000;
/** request_any_context_irq(): the handler runs in a thread of another interrupt (IRQC_IS_NESTED). */
const IS_NESTED = 1;

/** Lines that the kernel itself holds: the timer, the cascade, the clock. */
const TAKEN = [
  { irq: 0, name: 'timer', flags: TIMER_FLAGS },
  { irq: 2, name: 'cascade', flags: IRQF_NO_THREAD },
  { irq: 8, name: 'rtc0', flags: 0 },
] as const;

const PLACE = 'kernel/irq/manage.c';

/** Who asks for an interrupt, and for what. */
interface Request {
  readonly handler: Ptr;
  readonly thread: Ptr;
  readonly flags: number;
  readonly name: Ptr;
  readonly device: Ptr;
}

/** Requesting interrupts, and turning them on and off (kernel/irq/manage.c). Handlers are struct irqaction in their descriptors. */
export class Interrupts implements Subsystem {
  private readonly desc: StructType;
  private readonly action: StructType;
  /** Lines that nothing is connected to. */
  private readonly idle = new Set<number>();

  constructor(private readonly k: LinuxKernel) {
    this.desc = k.struct('irq_desc');
    this.action = k.struct('irqaction');
  }

  readonly exports = {
    request_threaded_irq: (irq: number, handler: Ptr, thread: Ptr, flags: number, name: Ptr, device: Ptr) =>
      this.request(irq, { handler, thread, flags, name, device }),
    request_any_context_irq: (irq: number, handler: Ptr, flags: number, name: Ptr, device: Ptr) =>
      this.requestAny(irq, { handler, thread: 0, flags, name, device }),
    free_irq: (irq: number, device: Ptr) => this.free(irq, device),
    disable_irq: (irq: number) => this.disable(irq, true),
    disable_irq_nosync: (irq: number) => this.disable(irq, false),
    disable_hardirq: (irq: number) => this.disableHard(irq),
    enable_irq: (irq: number) => this.enable(irq),
    synchronize_irq: (irq: number) => this.synchronize(irq),
    synchronize_hardirq: (irq: number) => !this.isRunning(irq),
    irq_wake_thread: (irq: number, device: Ptr) => this.wakeThread(irq, device),
    irq_has_action: (irq: number) => this.actionsOf(irq).length > 0,
    irq_check_status_bit: (irq: number, mask: number) => {
      const desc = this.k.get(IrqDescs).of(irq);
      return desc !== 0 && (this.desc.get(desc, 'status_use_accessors') & mask) !== 0;
    },
  };

  boot(): void {
    const { k } = this;
    const chip = k.variable('ioapic_chip', k.sizeOf('irq_chip'));
    k.get(IrqChips).fillController(chip, 'IO-APIC');
    this.bindLevels(chip);
    for (let irq = 0; irq < LEGACY_LINES; irq++) {
      k.get(IrqDescs).allocate(irq, { chip, handler: 'handle_edge_irq', name: 'edge', hwirq: irq });
      this.idle.add(irq);
    }
    const handler = k.exports.hostFunction('no_action', 'i:ip', () => 0);
    for (const { irq, name, flags } of TAKEN) {
      const desc = k.get(IrqDescs).of(irq);
      this.desc.set(
        desc,
        'action',
        this.make(irq, { handler, thread: 0, flags, name: k.constantString(name), device: 0 }),
      );
      this.desc.set(desc, 'depth', 0);
      k.get(IrqDescs).change(desc, ['IRQD_IRQ_DISABLED', 'IRQD_IRQ_MASKED'], ['IRQD_IRQ_STARTED']);
      this.idle.delete(irq);
    }
  }

  *holds(): Generator<Holding> {
    for (const [irq] of this.k.get(IrqDescs).all())
      for (const at of this.actionsOf(irq))
        yield {
          kind: 'interrupt handler',
          at,
          uses: [
            this.action.get(at, 'handler'),
            this.action.get(at, 'thread_fn'),
            this.action.get(at, 'dev_id'),
          ],
          parts: [this.action.get(at, 'thread')],
          by: this.k.origins.of(at),
          name: () => `${this.action.string(at, 'name')} (IRQ ${irq})`,
        };
  }

  /** A level that is there when its line is turned on comes then. */
  private bindLevels(chip: Ptr): void {
    const { k } = this;
    const type = k.struct('irq_chip');
    const turnedOn = (data: Ptr): number => {
      const irq = k.struct('irq_data').get(data, 'irq');
      if (k.get(IrqHandling).isHigh(irq)) k.get(IrqHandling).raiseLevel(irq);
      return 0;
    };
    type.bind(chip, 'irq_startup', 'startup_ioapic_irq', turnedOn);
    type.bind(chip, 'irq_unmask', 'unmask_ioapic_irq', turnedOn);
  }

  /** A device is connected to a line: it can be requested. */
  connect(irq: number): void {
    this.idle.delete(irq);
  }

  /** An input of the I/O APIC to which lines of PCI devices are wired, which are levels. */
  connectLevel(irq: number): void {
    const { k } = this;
    const descs = k.get(IrqDescs);
    this.idle.delete(irq);
    if (descs.of(irq) !== 0) return;
    const chip = k.variable('ioapic_chip', k.sizeOf('irq_chip'));
    const desc = descs.allocate(irq, { chip, handler: 'handle_fasteoi_irq', name: 'fasteoi', hwirq: irq });
    descs.change(desc, [], ['IRQD_LEVEL']);
  }

  /** request_threaded_irq(): -EINVAL for a line that nothing is connected to, -EBUSY for one that cannot be shared. */
  *request(irq: number, request: Request): Sleepable<number> {
    const { k } = this;
    const { flags, thread, device } = request;
    if (irq === NOT_CONNECTED) return -ENOTCONN;
    const shared = (flags & IRQF_SHARED) !== 0;
    if (shared && (device === 0 || (flags & IRQF_NO_AUTOEN) !== 0)) return -EINVAL;
    if ((flags & IRQF_COND_SUSPEND) !== 0 && (!shared || (flags & IRQF_NO_SUSPEND) !== 0)) return -EINVAL;
    const descs = k.get(IrqDescs);
    const desc = descs.of(irq);
    // To a card that wants a line for itself nothing is connected.
    if (desc === 0 || (this.idle.has(irq) && !shared) || descs.hasSetting(desc, 'IRQ_NOREQUEST'))
      return -EINVAL;
    if (request.handler === 0 && thread === 0) return -EINVAL;
    const handler = request.handler || this.primary;
    const action = this.make(irq, { ...request, handler });
    const error = yield* this.setUp(irq, desc, action);
    if (error !== 0) k.slab.free(action);
    else k.origins.note(action);
    return error;
  }

  /** free_irq(): the name that it was requested by; 0 with a warning where nobody had requested it. */
  *free(irq: number, device: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const desc = k.get(IrqDescs).of(irq);
    if (desc === 0) return 0;
    const before = this.linkOf(desc, device);
    if (before === 0) {
      warn(k, `Trying to free already-free IRQ ${irq}`, `${PLACE}:1880`, 'free_irq');
      return 0;
    }
    const action = k.space.loadPtr(before);
    k.space.storePtr(before, this.action.get(action, 'next'));
    const last = this.desc.get(desc, 'action') === 0;
    if (last) yield* k.get(IrqChips).shutDown(desc);
    yield* this.synchronize(irq);
    yield* k.get(IrqThreads).end(action);
    if (last) yield* k.get(IrqDescs).onChip(desc, 'irq_release_resources');
    this.count(desc, -1);
    const owner = this.desc.get(desc, 'owner');
    if (owner !== 0) k.get(Modules).exports.module_put(owner);
    const name = this.action.get(action, 'name');
    k.slab.free(action);
    return name;
  }

  /** The handlers of an interrupt, first come first. */
  actionsOf(irq: number): readonly Ptr[] {
    const desc = this.k.get(IrqDescs).of(irq);
    const found: Ptr[] = [];
    if (desc === 0) return found;
    for (let at = this.desc.get(desc, 'action'); at !== 0; at = this.action.get(at, 'next')) found.push(at);
    return found;
  }

  nameOf(action: Ptr): string {
    return this.action.string(action, 'name');
  }

  private *requestAny(irq: number, request: Request): Sleepable<number> {
    const descs = this.k.get(IrqDescs);
    const desc = descs.of(irq);
    if (desc === 0) return -EINVAL;
    if (!descs.hasSetting(desc, 'IRQ_NESTED_THREAD')) return yield* this.request(irq, request);
    const nested = { ...request, handler: 0, thread: request.handler };
    return (yield* this.request(irq, nested)) || IS_NESTED;
  }

  private make(irq: number, { handler, thread, flags, name, device }: Request): Ptr {
    const { action: type, k } = this;
    const action = k.slab.allocateBytes(type.size, true);
    type.set(action, 'irq', irq);
    type.set(action, 'handler', handler);
    type.set(action, 'thread_fn', thread);
    type.set(action, 'flags', flags);
    type.set(action, 'name', name);
    type.set(action, 'dev_id', device);
    return action;
  }

  /** irq_default_primary_handler(): wakes the thread, and that is all. */
  private get primary(): Ptr {
    const { k } = this;
    return k.exports.hostFunction('irq_default_primary_handler', 'i:ip', () =>
      k.enumValue('IRQ_WAKE_THREAD'),
    );
  }

  /** __setup_irq() */
  private *setUp(irq: number, desc: Ptr, action: Ptr): Sleepable<number> {
    const { k, action: type } = this;
    if (this.desc.get(desc, 'irq_data.chip') === k.symbol('no_irq_chip')) return -ENOSYS;
    const owner = this.desc.get(desc, 'owner');
    if (owner !== 0 && !k.get(Modules).tryGet(owner)) return -ENODEV;
    const flags = type.get(action, 'flags');
    if ((flags & TRIGGER_MASK) === 0) type.set(action, 'flags', flags | k.get(IrqChips).trigger(desc));
    const others = this.actionsOf(irq);
    const error =
      others.length > 0 ? this.refusal(irq, others[0], action) : yield* this.prepare(desc, action);
    if (error !== 0) {
      if (owner !== 0) k.get(Modules).exports.module_put(owner);
      return error;
    }
    this.claimThreadMask(action, others);
    if (type.get(action, 'thread_fn') !== 0 && !k.get(IrqDescs).hasSetting(desc, 'IRQ_NESTED_THREAD'))
      k.get(IrqThreads).create(desc, action, irq);
    if (others.length > 0) type.set(others[others.length - 1], 'next', action);
    else this.desc.set(desc, 'action', action);
    this.count(desc, 1);
    if (others.length === 0) yield* this.start(desc, flags);
    return 0;
  }

  /** What the first handler of an interrupt needs: the chip's agreement, and its trigger. */
  private *prepare(desc: Ptr, action: Ptr): Sleepable<number> {
    const { k, action: type } = this;
    const flags = type.get(action, 'flags');
    const nested = k.get(IrqDescs).hasSetting(desc, 'IRQ_NESTED_THREAD');
    if (!nested && type.get(action, 'handler') === this.primary && (flags & IRQF_ONESHOT) === 0) {
      const chip = this.desc.get(desc, 'irq_data.chip');
      if ((k.struct('irq_chip').get(chip, 'flags') & k.enumValue('IRQCHIP_ONESHOT_SAFE')) === 0) {
        const who = `${this.nameOf(action)} (irq ${type.get(action, 'irq')})`;
        k.log.line(`genirq: Threaded irq requested with handler=NULL and !ONESHOT for ${who}`, LOGLEVEL_ERR);
        return -EINVAL;
      }
    }
    const refused = yield* k.get(IrqDescs).onChip(desc, 'irq_request_resources');
    if (refused !== undefined && refused !== 0) return refused;
    if ((flags & TRIGGER_MASK) === 0) return 0;
    const error = yield* k.get(IrqChips).setTrigger(desc, flags);
    if (error !== 0) yield* k.get(IrqDescs).onChip(desc, 'irq_release_resources');
    return error;
  }

  private *start(desc: Ptr, flags: number): Sleepable<void> {
    const { k } = this;
    const oneshot = k.enumValue('IRQS_ONESHOT');
    const kept = this.desc.get(desc, ISTATE) & ~oneshot;
    this.desc.set(desc, ISTATE, kept | (flags & IRQF_ONESHOT ? oneshot : 0));
    if ((flags & IRQF_NO_AUTOEN) !== 0 || k.get(IrqDescs).hasSetting(desc, 'IRQ_NOAUTOEN'))
      this.desc.set(desc, 'depth', 1);
    else yield* k.get(IrqChips).startUp(desc);
  }

  /** -EBUSY, with a word of it, where a handler cannot share an interrupt with the first. */
  private refusal(irq: number, old: Ptr, fresh: Ptr): number {
    const { k, action: type } = this;
    const [flags, others] = [type.get(fresh, 'flags'), type.get(old, 'flags')];
    const trigger = k.get(IrqChips).trigger(k.get(IrqDescs).of(irq)) || others & TRIGGER_MASK;
    const alike = ((flags ^ others) & IRQF_ONESHOT) === 0 && trigger === (flags & TRIGGER_MASK);
    if ((flags & others & IRQF_SHARED) !== 0 && alike) return 0;
    if ((flags & IRQF_PROBE_SHARED) === 0) {
      const shown = (action: Ptr): string =>
        `${type.get(action, 'flags').toString(16).padStart(8, '0')} (${this.nameOf(action)})`;
      k.log.line(`genirq: Flags mismatch irq ${irq}. ${shown(fresh)} vs. ${shown(old)}`, LOGLEVEL_ERR);
    }
    return -EBUSY;
  }

  /** Handlers that keep the interrupt off until their threads are done have a bit each. */
  private claimThreadMask(action: Ptr, others: readonly Ptr[]): void {
    const { action: type } = this;
    if ((type.get(action, 'flags') & IRQF_ONESHOT) === 0) return;
    const used = new Set(others.map((other) => type.getBig(other, 'thread_mask')));
    let mask = 1n;
    while (used.has(mask)) mask <<= 1n;
    type.setBig(action, 'thread_mask', mask);
  }

  private count(desc: Ptr, by: number): void {
    this.desc.set(desc, 'nr_actions', this.desc.get(desc, 'nr_actions') + by);
  }

  /** Where the pointer to a device's handler is; 0 if it has none. */
  private linkOf(desc: Ptr, device: Ptr): Ptr {
    let link = this.desc.addr(desc, 'action');
    for (let at = this.k.space.loadPtr(link); at !== 0; at = this.k.space.loadPtr(link)) {
      if (this.action.get(at, 'dev_id') === device) return link;
      link = this.action.addr(at, 'next');
    }
    return 0;
  }

  /** disable_irq(): counted. */
  *disable(irq: number, wait: boolean): Sleepable<void> {
    const desc = this.k.get(IrqDescs).of(irq);
    if (desc === 0) return;
    const depth = this.desc.get(desc, 'depth');
    this.desc.set(desc, 'depth', depth + 1);
    if (depth === 0) {
      const unlazy = this.k.get(IrqDescs).hasSetting(desc, 'IRQ_DISABLE_UNLAZY');
      yield* this.k.get(IrqChips).disable(desc, unlazy);
    }
    if (wait) yield* this.synchronize(irq);
  }

  private *disableHard(irq: number): Sleepable<boolean> {
    if (this.k.get(IrqDescs).of(irq) === 0) return false;
    yield* this.disable(irq, false);
    return !this.isRunning(irq);
  }

  /** enable_irq(): the last of them turns it on; what came meanwhile comes again. */
  private *enable(irq: number): Sleepable<void> {
    const { k } = this;
    const desc = k.get(IrqDescs).of(irq);
    if (desc === 0) return;
    const depth = this.desc.get(desc, 'depth');
    if (depth === 0) {
      warn(k, `Unbalanced enable for IRQ ${irq}`, `${PLACE}:774`, 'enable_irq');
      return;
    }
    if (depth > 1) {
      this.desc.set(desc, 'depth', depth - 1);
      return;
    }
    yield* k.get(IrqChips).startUp(desc);
    k.get(IrqHandling).resend(desc);
  }

  private isRunning(irq: number): boolean {
    const desc = this.k.get(IrqDescs).of(irq);
    return desc !== 0 && this.k.get(IrqDescs).has(desc, 'IRQD_IRQ_INPROGRESS');
  }

  /** synchronize_irq(): until no handler of it runs, in a thread neither. */
  private *synchronize(irq: number): Sleepable<void> {
    const busy = (): boolean =>
      this.isRunning(irq) || this.actionsOf(irq).some((action) => this.k.get(IrqThreads).isBusy(action));
    while (busy()) yield* yieldCpu();
  }

  private wakeThread(irq: number, device: Ptr): void {
    const desc = this.k.get(IrqDescs).of(irq);
    const link = desc === 0 ? 0 : this.linkOf(desc, device);
    if (link !== 0) this.k.get(IrqThreads).wake(desc, this.k.space.loadPtr(link));
  }
}
