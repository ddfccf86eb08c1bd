import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EINVAL } from '../errno.js';
import { Threads } from '../kern/kthread.js';
import { Malloc } from '../kern/malloc.js';
import { defineType } from '../kern/malloc-type.js';
import { Mutexes } from '../kern/mutex.js';
import { Panic } from '../kern/panic.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { Handler, IntrEvent, NewHandler } from './intr-event.js';
import { asKernelNow } from './own.js';

/** What a filter answers whose handler is to run in the thread (sys/bus.h). */
const FILTER_SCHEDULE_THREAD = 4;

/** Interrupt events, their threads and software interrupts (sys/kern/kern_intr.c). */
export class Interrupts implements Subsystem {
  private readonly events = new Map<Ptr, IntrEvent>();
  private readonly handlers = new Map<Ptr, Handler>();
  private readonly lines = new Map<number, IntrEvent>();
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    intr_event_create: (
      place: Ptr,
      source: Ptr,
      flags: number,
      irq: number,
      preThread: Ptr,
      postThread: Ptr,
      postFilter: Ptr,
      assign: Ptr,
      format: Ptr,
      args: VarArgs,
    ) => {
      const soft = (flags & this.k.macro('IE_SOFT')) !== 0;
      const name = this.k.get(SubrPrf).text(format, args);
      const event = this.create(name, soft, irq, postFilter);
      const type = this.k.struct('intr_event');
      type.set(event.at, 'ie_source', source);
      type.set(event.at, 'ie_pre_ithread', preThread);
      type.set(event.at, 'ie_post_ithread', postThread);
      type.set(event.at, 'ie_assign_cpu', assign);
      if (place !== 0) this.k.space.storePtr(place, event.at);
      return 0;
    },
    intr_event_destroy: (event: Ptr) => this.destroy(event),
    intr_event_add_handler: (
      event: Ptr,
      name: Ptr,
      filter: Ptr,
      handler: Ptr,
      arg: Ptr,
      priority: number,
      flags: number,
      cookie: Ptr,
    ) => {
      const known = this.events.get(event);
      if (!known || name === 0) return EINVAL;
      const text = this.k.space.cstring(name);
      return this.add(known, { name: text, filter, handler, arg, priority, flags }, cookie);
    },
    intr_event_remove_handler: (cookie: Ptr) => this.remove(cookie),
    intr_event_describe_handler: (_event: Ptr, cookie: Ptr, text: Ptr) =>
      this.describe(cookie, this.k.space.cstring(text)),
    intr_event_suspend_handler: (cookie: Ptr) => this.suspend(cookie, true),
    intr_event_resume_handler: (cookie: Ptr) => this.suspend(cookie, false),
    // There is one processor.
    intr_event_bind: () => 0,
    intr_event_bind_irqonly: () => 0,
    intr_event_bind_ithread: () => 0,
    intr_handler_source: (cookie: Ptr) =>
      this.k.struct('intr_event').get(this.handlerAt(cookie).event.at, 'ie_source'),
    intr_priority: () => this.k.macro('PI_INTR'),
    swi_add: (place: Ptr, name: Ptr, handler: Ptr, arg: Ptr, priority: number, flags: number, cookie: Ptr) =>
      this.addSoft(place, name, handler, arg, priority, flags, cookie),
    swi_sched: (cookie: Ptr, flags: number) => this.schedule(cookie, flags),
    swi_remove: (cookie: Ptr) => this.remove(cookie),
    _intr_drain: (irq: number) => this.drain(irq),
  };

  boot(): void {
    this.type = defineType(this.k, 'M_ITHREAD', 'ithread');
  }

  private create(name: string, soft: boolean, irq: number, postFilter: Ptr): IntrEvent {
    const { k } = this;
    const type = k.struct('intr_event');
    const at = k.get(Malloc).malloc(type.size, this.type, k.macro('M_WAITOK') | k.macro('M_ZERO'));
    type.set(at, 'ie_flags', soft ? k.macro('IE_SOFT') : 0);
    type.set(at, 'ie_irq', irq);
    type.set(at, 'ie_cpu', -1);
    type.setText(at, 'ie_name', name);
    type.setText(at, 'ie_fullname', name);
    k.get(Mutexes).init(type.addr(at, 'ie_lock'), k.constantString('intr event'), k.macro('MTX_DEF'));
    const event = {
      at,
      soft,
      irq,
      postFilter,
      handlers: [],
      thread: undefined,
      needed: false,
      dead: false,
    };
    this.events.set(at, event);
    k.origins.note(at);
    return event;
  }

  private destroy(at: Ptr): number {
    const { k } = this;
    const event = this.events.get(at);
    if (!event) return EINVAL;
    if (event.handlers.length > 0) return EBUSY;
    event.dead = true;
    if (event.thread) k.scheduler.wake(event.thread);
    this.events.delete(at);
    k.origins.forget(at);
    k.get(Mutexes).destroy(k.struct('intr_event').addr(at, 'ie_lock'));
    k.get(Malloc).free(at, this.type);
    return 0;
  }

  private handlerAt(cookie: Ptr): Handler {
    const handler = this.handlers.get(cookie);
    if (handler) return handler;
    this.k.space.load8(cookie);
    const address = `0x${this.k.space.toAddress(cookie).toString(16)}`;
    throw new Panic(`there is no interrupt handler at ${address}`, 'use-after-free', cookie);
  }

  /** Adds a handler; where it has more than a filter, the event gets a thread. */
  private add(event: IntrEvent, made: NewHandler, cookie: Ptr): number {
    const { k } = this;
    const { name, filter, handler: fn, arg, priority, flags } = made;
    if (filter === 0 && fn === 0) return EINVAL;
    const type = k.struct('intr_handler');
    const exclusive = (flags & k.enumValue('INTR_EXCL')) !== 0;
    const [first] = event.handlers;
    const others = first && type.get(first.at, 'ih_flags') & k.macro('IH_EXCLUSIVE');
    if (first && (exclusive || others)) return EINVAL;
    const at = k.get(Malloc).malloc(type.size, this.type, k.macro('M_WAITOK') | k.macro('M_ZERO'));
    type.set(at, 'ih_filter', filter);
    type.set(at, 'ih_handler', fn);
    type.set(at, 'ih_argument', arg);
    type.setText(at, 'ih_name', name);
    type.set(at, 'ih_event', event.at);
    type.set(at, 'ih_pri', priority);
    const mpsafe = (flags & k.enumValue('INTR_MPSAFE')) !== 0;
    const own = (exclusive ? k.macro('IH_EXCLUSIVE') : 0) | (mpsafe ? k.macro('IH_MPSAFE') : 0);
    type.set(at, 'ih_flags', own);
    const handler: Handler = {
      at,
      event,
      filter,
      fn,
      arg,
      priority,
      giant: !mpsafe,
      needed: false,
      suspended: false,
    };
    const place = event.handlers.findIndex((other) => other.priority > priority);
    event.handlers.splice(place < 0 ? event.handlers.length : place, 0, handler);
    this.handlers.set(at, handler);
    k.origins.note(at);
    this.rename(event);
    if (fn !== 0) this.startThread(event);
    if (cookie !== 0) k.space.storePtr(cookie, at);
    return 0;
  }

  /** The full name has the names of the handlers behind the event's own: `irq9: acpi0`, `swi6: task`. */
  private rename(event: IntrEvent): void {
    const type = this.k.struct('intr_event');
    const names = event.handlers.map(({ at }) => this.k.struct('intr_handler').text(at, 'ih_name'));
    type.setText(event.at, 'ie_fullname', [type.text(event.at, 'ie_name'), ...names].join(' '));
    const { thread } = event;
    if (!thread) return;
    thread.name = type.text(event.at, 'ie_fullname');
    this.k.struct('thread').setText(thread.object, 'td_name', thread.name);
  }

  private startThread(event: IntrEvent): void {
    const { k } = this;
    if (event.thread) return;
    const threads = k.get(Threads);
    const name = k.struct('intr_event').text(event.at, 'ie_fullname');
    event.thread = threads.start(name, threads.intr, this.loop(event));
  }

  private *loop(event: IntrEvent): Sleepable<number> {
    const { k } = this;
    while (!event.dead) {
      if (!event.needed) {
        yield* block();
        continue;
      }
      event.needed = false;
      const thread = k.struct('thread');
      // Handlers may block on a mutex, but not sleep; those of software interrupts may.
      const count = event.soft ? 0 : 1;
      const { curthread } = k;
      thread.set(curthread, 'td_no_sleeping', thread.get(curthread, 'td_no_sleeping') + count);
      yield* this.runHandlers(event);
      thread.set(curthread, 'td_no_sleeping', thread.get(curthread, 'td_no_sleeping') - count);
    }
    return 0;
  }

  private *runHandlers(event: IntrEvent): Sleepable<void> {
    const { k } = this;
    for (const handler of [...event.handlers]) {
      // Who raised a line is not known, so all of its handlers look; software interrupts are told.
      const idle = event.soft && !handler.needed;
      if (idle || handler.suspended || handler.fn === 0 || !this.handlers.has(handler.at)) continue;
      handler.needed = false;
      const giant = k.variable('Giant');
      if (handler.giant) yield* k.get(Mutexes).lock(giant);
      yield* k.callAs('v:p', handler.fn, handler.arg);
      if (handler.giant) k.get(Mutexes).unlock(giant);
    }
  }

  private wakeThread(event: IntrEvent): void {
    event.needed = true;
    if (event.thread) this.k.scheduler.wake(event.thread);
  }

  /** Waits until no thread runs the handler any longer. */
  private *remove(cookie: Ptr): Sleepable<number> {
    const { k } = this;
    if (cookie === 0) return EINVAL;
    const handler = this.handlerAt(cookie);
    const { event } = handler;
    event.handlers.splice(event.handlers.indexOf(handler), 1);
    this.handlers.delete(cookie);
    k.origins.forget(cookie);
    yield* this.quiet(event);
    k.get(Malloc).free(cookie, this.type);
    this.rename(event);
    return 0;
  }

  private *quiet({ thread }: IntrEvent): Sleepable<void> {
    while (thread && thread !== this.k.executor.current && thread.state === 'runnable')
      yield { kind: 'yield' };
  }

  private *drain(irq: number): Sleepable<void> {
    const event = this.lines.get(irq);
    if (event) yield* this.quiet(event);
  }

  describe(cookie: Ptr, text: string): number {
    const type = this.k.struct('intr_handler');
    const handler = this.handlerAt(cookie);
    const [name] = type.text(cookie, 'ih_name').split(':');
    type.setText(cookie, 'ih_name', `${name}:${text}`);
    this.rename(handler.event);
    return 0;
  }

  private suspend(cookie: Ptr, suspended: boolean): number {
    if (cookie === 0) return EINVAL;
    this.handlerAt(cookie).suspended = suspended;
    return 0;
  }

  private addSoft(
    place: Ptr,
    name: Ptr,
    handler: Ptr,
    arg: Ptr,
    priority: number,
    flags: number,
    cookie: Ptr,
  ): number {
    const { k } = this;
    if (flags & k.enumValue('INTR_ENTROPY')) return EINVAL;
    let event = this.events.get(place === 0 ? 0 : k.space.loadPtr(place));
    if (event && !event.soft) return EINVAL;
    if (!event) {
      // Whoever removes its handler is done: the event stays for ever, as in the kernel.
      const made = asKernelNow(k, () => this.create(`swi${priority}:`, true, 0, 0));
      k.origins.forget(made.at);
      event = made;
      if (place !== 0) k.space.storePtr(place, event.at);
    }
    if (handler === 0) return 0;
    const text = k.space.cstring(name);
    const own = { name: text, filter: 0, handler, arg, priority: k.macro('PI_SOFT') + priority, flags };
    return this.add(event, own, cookie);
  }

  /** Software interrupts that are marked only run when another of their event does (SWI_DELAY). */
  private schedule(cookie: Ptr, flags: number): void {
    const handler = this.handlerAt(cookie);
    handler.needed = true;
    if ((flags & this.k.macro('SWI_DELAY')) === 0) this.wakeThread(handler.event);
  }

  /** A handler of an interrupt line: intr_add_handler(). */
  addLine(irq: number, handler: NewHandler, cookie: Ptr): number {
    let event = this.lines.get(irq);
    if (!event) {
      event = asKernelNow(this.k, () => this.create(`irq${irq}:`, false, irq, 0));
      this.lines.set(irq, event);
      this.k.origins.forget(event.at);
    }
    return this.add(event, handler, cookie);
  }

  removeLine(cookie: Ptr): Sleepable<number> {
    return this.remove(cookie);
  }

  /** A device raises a line: filters run at once, on whatever runs, threads after them (intr_event_handle()). */
  raise(irq: number): void {
    const event = this.lines.get(irq);
    if (event) this.k.scheduler.interrupt(`irq${irq}`, () => this.handle(event), false);
  }

  private *handle(event: IntrEvent): Sleepable<void> {
    const { k } = this;
    let thread = false;
    for (const handler of [...event.handlers]) {
      if (handler.suspended) continue;
      const answer =
        handler.filter === 0 ? FILTER_SCHEDULE_THREAD : yield* k.callAs('i:p', handler.filter, handler.arg);
      if (answer & FILTER_SCHEDULE_THREAD && handler.fn !== 0) thread = true;
    }
    if (thread) this.wakeThread(event);
    else if (event.postFilter !== 0)
      yield* k.callAs('v:p', event.postFilter, k.struct('intr_event').get(event.at, 'ie_source'));
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const { at, filter, fn } of this.handlers.values())
      yield {
        kind: 'interrupt handler',
        at,
        uses: [filter, fn],
        by: k.origins.of(at),
        name: () => k.struct('intr_handler').text(at, 'ih_name'),
      };
    for (const { at } of this.events.values())
      if (k.origins.of(at))
        yield {
          kind: 'interrupt event',
          at,
          by: k.origins.of(at),
          name: () => k.struct('intr_event').text(at, 'ie_name'),
        };
  }
}
