import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EINVAL, ENXIO } from '../errno.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { IrqDescs } from './irq-desc.js';

/** IRQ_TYPE_SENSE_MASK, and the two that are levels (include/linux/irq.h). */
export const TRIGGER_MASK = 0xf;
const LEVEL_MASK = 0xc;
/** IRQ_SET_MASK_OK_NOCOPY: the chip has noted the type itself. */
const SET_MASK_OK_NOCOPY = 1;

/** Functions of the chips that stand for none. */
const DUMMY_METHODS = ['irq_enable', 'irq_disable', 'irq_ack', 'irq_mask', 'irq_unmask'] as const;

/**
 * Chips of interrupts, what is on and off at them, and who handles an interrupt (kernel/irq/chip.c). A chip may be a module's: its
 * functions are called as the kernel calls them.
 */
export class IrqChips implements Subsystem {
  private readonly desc: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.desc = k.struct('irq_desc');
  }

  readonly exports = {
    irq_set_chip: (irq: number, chip: Ptr) => this.onDesc(irq, (desc) => this.setChip(desc, chip)),
    irq_set_chip_and_handler_name: (irq: number, chip: Ptr, handler: Ptr, name: Ptr) =>
      this.setChipAndHandler(irq, chip, handler, name),
    __irq_set_handler: (irq: number, handler: Ptr, chained: number, name: Ptr) =>
      this.setHandler(irq, handler, chained !== 0, name),
    irq_set_chained_handler_and_data: (irq: number, handler: Ptr, data: Ptr) => {
      this.onDesc(irq, (desc) => this.desc.set(desc, 'irq_common_data.handler_data', data));
      return this.setHandler(irq, handler, true, 0);
    },
    irq_set_handler_data: (irq: number, data: Ptr) =>
      this.onDesc(irq, (desc) => this.desc.set(desc, 'irq_common_data.handler_data', data)),
    irq_set_chip_data: (irq: number, data: Ptr) =>
      this.onDesc(irq, (desc) => this.desc.set(desc, 'irq_data.chip_data', data)),
    irq_set_irq_type: (irq: number, type: number) => this.setType(irq, type),
    irq_modify_status: (irq: number, clear: number, set: number) => this.modifyStatus(irq, clear, set),
    irq_set_irq_wake: (irq: number, on: number) => this.setWake(irq, on !== 0),
  };

  readonly data = {
    no_irq_chip: (chip: Ptr) => this.fillDummy(chip, 'none'),
    dummy_irq_chip: (chip: Ptr) => this.fillDummy(chip, 'dummy'),
  };

  /** A chip for which nothing is to be done: its interrupts are lines of this machine. */
  fillDummy(chip: Ptr, name: string): void {
    const { k } = this;
    const type = k.struct('irq_chip');
    type.set(chip, 'name', k.constantString(name));
    type.bind(chip, 'irq_startup', 'noop_ret', () => 0);
    type.bind(chip, 'irq_shutdown', 'noop', () => undefined);
    for (const method of DUMMY_METHODS) type.bind(chip, method, 'noop', () => undefined);
    type.set(chip, 'flags', k.enumValue('IRQCHIP_SKIP_SET_WAKE'));
  }

  /** The chip of an interrupt controller of this machine, whose lines go to the one CPU. */
  fillController(chip: Ptr, name: string): void {
    this.fillDummy(chip, name);
    const type = this.k.struct('irq_chip');
    type.bind(chip, 'irq_set_affinity', 'apic_set_affinity', (_data: Ptr, mask: Ptr) =>
      (this.k.space.load8(mask) & 1) === 0 ? -EINVAL : 0,
    );
  }

  /** irq_startup(): the first handler is there. */
  *startUp(desc: Ptr): Sleepable<number> {
    const descs = this.k.get(IrqDescs);
    this.desc.set(desc, 'depth', 0);
    if (descs.has(desc, 'IRQD_IRQ_STARTED')) {
      yield* this.enable(desc);
      return 0;
    }
    let result = yield* this.activate(desc);
    if (result < 0) return result;
    if (this.hasMethod(desc, 'irq_startup')) {
      result = (yield* descs.onChip(desc, 'irq_startup')) ?? 0;
      descs.change(desc, ['IRQD_IRQ_DISABLED', 'IRQD_IRQ_MASKED'], []);
    } else yield* this.enable(desc);
    descs.change(desc, [], ['IRQD_IRQ_STARTED']);
    return result;
  }

  /** irq_shutdown(): the last handler is gone. */
  *shutDown(desc: Ptr): Sleepable<void> {
    const descs = this.k.get(IrqDescs);
    if (!descs.has(desc, 'IRQD_IRQ_STARTED')) return;
    this.desc.set(desc, 'depth', 1);
    if (this.hasMethod(desc, 'irq_shutdown')) yield* descs.onChip(desc, 'irq_shutdown');
    else yield* this.disable(desc, true);
    descs.change(desc, ['IRQD_IRQ_STARTED'], ['IRQD_IRQ_DISABLED', 'IRQD_IRQ_MASKED']);
    yield* this.deactivate(desc);
  }

  /** irq_domain_activate_irq(): the domains that an interrupt is in, the outermost first. */
  private *activate(desc: Ptr): Sleepable<number> {
    const descs = this.k.get(IrqDescs);
    if (descs.has(desc, 'IRQD_ACTIVATED')) return 0;
    for (const data of this.hierarchy(desc).reverse()) {
      const error = yield* this.onDomain(data, 'activate', 0);
      if (error < 0) return error;
    }
    descs.change(desc, [], ['IRQD_ACTIVATED']);
    return 0;
  }

  private *deactivate(desc: Ptr): Sleepable<void> {
    for (const data of this.hierarchy(desc)) yield* this.onDomain(data, 'deactivate');
    this.k.get(IrqDescs).change(desc, ['IRQD_ACTIVATED'], []);
  }

  /** An interrupt's struct irq_data in each of the domains, its own first. */
  private hierarchy(desc: Ptr): Ptr[] {
    const found: Ptr[] = [];
    const type = this.k.struct('irq_data');
    for (let data = this.desc.addr(desc, 'irq_data'); data !== 0; data = type.get(data, 'parent_data'))
      found.push(data);
    return found;
  }

  private *onDomain(data: Ptr, method: 'activate' | 'deactivate', ...more: number[]): Sleepable<number> {
    const { k } = this;
    const domain = k.struct('irq_data').get(data, 'domain');
    if (domain === 0) return 0;
    const ops = k.struct('irq_domain').get(domain, 'ops');
    const type = k.struct('irq_domain_ops');
    if (ops === 0 || type.get(ops, method) === 0) return 0;
    return yield* type.call(ops, method, domain, data, ...more);
  }

  /** irq_enable() */
  *enable(desc: Ptr): Sleepable<void> {
    const descs = this.k.get(IrqDescs);
    const disabled = descs.has(desc, 'IRQD_IRQ_DISABLED');
    if (!disabled || !this.hasMethod(desc, 'irq_enable')) {
      descs.change(desc, ['IRQD_IRQ_DISABLED'], []);
      yield* this.unmask(desc);
      return;
    }
    descs.change(desc, ['IRQD_IRQ_DISABLED'], []);
    yield* descs.onChip(desc, 'irq_enable');
    descs.change(desc, ['IRQD_IRQ_MASKED'], []);
  }

  /** __irq_disable(): lazily unless the chip has a function for it, or `mask`. */
  *disable(desc: Ptr, mask: boolean): Sleepable<void> {
    const descs = this.k.get(IrqDescs);
    const already = descs.has(desc, 'IRQD_IRQ_DISABLED');
    descs.change(desc, [], ['IRQD_IRQ_DISABLED']);
    if (!already && this.hasMethod(desc, 'irq_disable')) {
      yield* descs.onChip(desc, 'irq_disable');
      descs.change(desc, [], ['IRQD_IRQ_MASKED']);
    } else if (mask) yield* this.mask(desc);
  }

  *mask(desc: Ptr): Sleepable<void> {
    const descs = this.k.get(IrqDescs);
    if (descs.has(desc, 'IRQD_IRQ_MASKED') || !this.hasMethod(desc, 'irq_mask')) return;
    yield* descs.onChip(desc, 'irq_mask');
    descs.change(desc, [], ['IRQD_IRQ_MASKED']);
  }

  *unmask(desc: Ptr): Sleepable<void> {
    const descs = this.k.get(IrqDescs);
    if (!descs.has(desc, 'IRQD_IRQ_MASKED') || !this.hasMethod(desc, 'irq_unmask')) return;
    yield* descs.onChip(desc, 'irq_unmask');
    descs.change(desc, ['IRQD_IRQ_MASKED'], []);
  }

  /** __irq_set_trigger(): whether an interrupt is an edge or a level. */
  *setTrigger(desc: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const descs = k.get(IrqDescs);
    if (!this.hasMethod(desc, 'irq_set_type')) return 0;
    const type = flags & TRIGGER_MASK;
    const result = (yield* descs.onChip(desc, 'irq_set_type', type)) ?? 0;
    if (result < 0) {
      const irq = this.desc.get(desc, 'irq_data.irq');
      const fn = k.struct('irq_chip').get(this.desc.get(desc, 'irq_data.chip'), 'irq_set_type');
      const where = symbolAt(k, fn)?.name ?? '';
      k.log.line(`genirq: Setting trigger mode ${type} for irq ${irq} failed (${where}+0x0)`, LOGLEVEL_ERR);
      return result;
    }
    if (result !== SET_MASK_OK_NOCOPY) this.setBits(desc, TRIGGER_MASK, type);
    const now = this.trigger(desc);
    const level = (now & LEVEL_MASK) !== 0;
    descs.change(desc, ['IRQD_LEVEL'], level ? ['IRQD_LEVEL'] : []);
    const settings = this.desc.get(desc, 'status_use_accessors') & ~(TRIGGER_MASK | k.enumValue('IRQ_LEVEL'));
    this.desc.set(desc, 'status_use_accessors', settings | now | (level ? k.enumValue('IRQ_LEVEL') : 0));
    return 0;
  }

  /** irqd_get_trigger_type() */
  trigger(desc: Ptr): number {
    return this.desc.get(desc, 'irq_common_data.state_use_accessors') & TRIGGER_MASK;
  }

  private setBits(desc: Ptr, clear: number, set: number): void {
    const path = 'irq_common_data.state_use_accessors';
    this.desc.set(desc, path, ((this.desc.get(desc, path) & ~clear) | set) >>> 0);
  }

  private hasMethod(desc: Ptr, method: string): boolean {
    const chip = this.desc.get(desc, 'irq_data.chip');
    return chip !== 0 && this.k.struct('irq_chip').get(chip, method) !== 0;
  }

  private onDesc(irq: number, body: (desc: Ptr) => void): number {
    const desc = this.k.get(IrqDescs).of(irq);
    if (desc === 0) return -EINVAL;
    body(desc);
    return 0;
  }

  private setChip(desc: Ptr, chip: Ptr): void {
    this.desc.set(desc, 'irq_data.chip', chip === 0 ? this.k.symbol('no_irq_chip') : chip);
  }

  private *setChipAndHandler(irq: number, chip: Ptr, handler: Ptr, name: Ptr): Sleepable<void> {
    this.onDesc(irq, (desc) => this.setChip(desc, chip));
    yield* this.setHandler(irq, handler, false, name);
  }

  /** __irq_do_set_handler(); a chained handler's interrupt is started at once, and cannot be requested. */
  private *setHandler(irq: number, handler: Ptr, chained: boolean, name: Ptr): Sleepable<void> {
    const { k, desc: type } = this;
    const desc = k.get(IrqDescs).of(irq);
    if (desc === 0) return;
    const fn = handler === 0 ? k.fn('handle_bad_irq') : handler;
    if (handler === 0) {
      k.get(IrqDescs).change(desc, [], ['IRQD_IRQ_DISABLED']);
      type.set(desc, 'depth', 1);
    }
    type.set(desc, 'handle_irq', fn);
    type.set(desc, 'name', name);
    if (handler === 0 || !chained) return;
    const trigger = this.trigger(desc);
    if (trigger !== 0) {
      yield* this.setTrigger(desc, trigger);
      type.set(desc, 'handle_irq', fn);
    }
    for (const setting of ['IRQ_NOPROBE', 'IRQ_NOREQUEST', 'IRQ_NOTHREAD'])
      type.set(desc, 'status_use_accessors', type.get(desc, 'status_use_accessors') | k.enumValue(setting));
    yield* this.startUp(desc);
  }

  private *setType(irq: number, type: number): Sleepable<number> {
    const descs = this.k.get(IrqDescs);
    const desc = descs.of(irq);
    if (desc === 0) return -EINVAL;
    yield* descs.onChip(desc, 'irq_bus_lock');
    const result = yield* this.setTrigger(desc, type);
    yield* descs.onChip(desc, 'irq_bus_sync_unlock');
    return result;
  }

  /** irq_modify_status(): settings, and what irq_data tells of them. */
  private modifyStatus(irq: number, clear: number, set: number): void {
    const { k, desc: type } = this;
    const descs = k.get(IrqDescs);
    const desc = descs.of(irq);
    if (desc === 0) return;
    const allowed = IRQF_MODIFY.reduce((all, name) => all | k.enumValue(name), TRIGGER_MASK);
    const settings = type.get(desc, 'status_use_accessors');
    type.set(desc, 'status_use_accessors', ((settings & ~(clear & allowed)) | (set & allowed)) >>> 0);
    const trigger = this.trigger(desc);
    descs.change(desc, ['IRQD_NO_BALANCING', 'IRQD_PER_CPU', 'IRQD_LEVEL'], this.told(desc));
    const wanted = type.get(desc, 'status_use_accessors') & TRIGGER_MASK;
    this.setBits(desc, TRIGGER_MASK, wanted !== 0 ? wanted : trigger);
  }

  private told(desc: Ptr): string[] {
    const descs = this.k.get(IrqDescs);
    const pairs = [
      ['IRQ_NO_BALANCING', 'IRQD_NO_BALANCING'],
      ['IRQ_PER_CPU', 'IRQD_PER_CPU'],
      ['IRQ_LEVEL', 'IRQD_LEVEL'],
    ];
    return pairs.filter(([setting]) => descs.hasSetting(desc, setting)).map(([, bit]) => bit);
  }

  /** irq_set_irq_wake(): counted, the first and the last reach the chip. */
  private *setWake(irq: number, on: boolean): Sleepable<number> {
    const { k, desc: type } = this;
    const descs = k.get(IrqDescs);
    const desc = descs.of(irq);
    if (desc === 0 || descs.hasSetting(desc, 'IRQ_PER_CPU_DEVID')) return -EINVAL;
    const depth = type.get(desc, 'wake_depth');
    if (!on && depth === 0) {
      warn(k, `Unbalanced IRQ ${irq} wake disable`, 'kernel/irq/manage.c', 'irq_set_irq_wake');
      return 0;
    }
    const next = depth + (on ? 1 : -1);
    type.set(desc, 'wake_depth', next);
    if (on ? depth !== 0 : next !== 0) return 0;
    yield* descs.onChip(desc, 'irq_bus_lock');
    const error = yield* this.wakeAtChip(desc, on);
    yield* descs.onChip(desc, 'irq_bus_sync_unlock');
    if (error !== 0) type.set(desc, 'wake_depth', depth);
    else descs.change(desc, ['IRQD_WAKEUP_STATE'], on ? ['IRQD_WAKEUP_STATE'] : []);
    return error;
  }

  private *wakeAtChip(desc: Ptr, on: boolean): Sleepable<number> {
    const { k } = this;
    const chip = this.desc.get(desc, 'irq_data.chip');
    if (chip !== 0 && k.struct('irq_chip').get(chip, 'flags') & k.enumValue('IRQCHIP_SKIP_SET_WAKE'))
      return 0;
    return (yield* k.get(IrqDescs).onChip(desc, 'irq_set_wake', Number(on))) ?? -ENXIO;
  }
}

/** IRQF_MODIFY_MASK (include/linux/irq.h), besides the trigger's bits. */
const IRQF_MODIFY = [
  'IRQ_NOPROBE',
  'IRQ_NOREQUEST',
  'IRQ_NOAUTOEN',
  'IRQ_MOVE_PCNTXT',
  'IRQ_LEVEL',
  'IRQ_NO_BALANCING',
  'IRQ_PER_CPU',
  'IRQ_NESTED_THREAD',
  'IRQ_NOTHREAD',
  'IRQ_PER_CPU_DEVID',
  'IRQ_IS_POLLED',
  'IRQ_DISABLE_UNLAZY',
  'IRQ_HIDDEN',
] as const;
