import type { AddressSpace } from '../../cpu/address-space.js';
import { type CpuContract, type CpuException, HOST_RETURN } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Convention } from '../abi/convention.js';
import { type Effect, isSleepable, type Sleepable, type Value } from '../effects.js';
import type { Probes } from '../probes.js';
import { CallProbes } from './call-probes.js';
import type { Activation, Task } from './task.js';

/** Why a task stopped running. */
export type Pause = 'blocked' | 'yielded' | 'finished' | 'killed';

/** What the operating system decides about a task's troubles. */
export interface ExecutorHooks {
  /** A CPU exception in guest code. 'resume' after the register file was changed (fixup, WARN). */
  exception(task: Task, exception: CpuException): 'resume' | 'kill';
  /** An error thrown by a function of the base kernel that guest code called: GuestFault, an oops, a bug. */
  hostError(task: Task, error: unknown, name: string): void;
  /** The time slice is used up. */
  tick(task: Task): 'resume' | 'yield' | 'kill';
}

type HostActivation = Extract<Activation, { kind: 'host' }>;

type Trouble =
  | { readonly kind: 'exception'; readonly exception: CpuException }
  | { readonly kind: 'budget' }
  | { readonly kind: 'error'; readonly error: unknown; readonly name: string };

/** Lets others run before a function that is done returns; one that may sleep does so itself. */
function afterTurn(result: unknown, task: Task): unknown {
  task.mayResched = false;
  return isSleepable(result) ? result : givingWay(result as Value);
}

function* givingWay(result: Value): Sleepable<Value> {
  yield { kind: 'yield' };
  return result;
}

/** What a function of the base kernel costs, in instructions, besides one for each access to guest memory. */
const HOST_CALL = 200;
/**
 * Accesses to guest memory that a function of the base kernel may make between two pauses: a hundred times what any module of
 * a distribution needs, and seconds of the host.
 */
const MAX_ACCESSES = 10_000_000;

/** Base kernel functions nested in guest code nested in ... on the host's stack before going on flat. */
const MAX_NESTED_CALLS = 40;

/**
 * Runs tasks: guest code through the CPU, base kernel functions as generators. Calls in either direction are
 * nested on the host's stack as long as nobody blocks; when somebody does, every frame unwinds, the task's
 * activations hold what is left to do, and `resume` later goes on from there.
 */
export class Executor {
  current: Task | undefined;
  /** Set before the first task runs. */
  hooks!: ExecutorHooks;
  /** Instructions a task may run before the next tick. */
  slice = 200_000;
  private trouble: Trouble | undefined;
  private pendingPause: Pause | undefined;
  private nesting = 0;
  private readonly hostReturn: Ptr;
  private readonly calls: CallProbes;

  constructor(
    private readonly cpu: CpuContract,
    private readonly space: AddressSpace,
    private readonly convention: Convention,
    private readonly probes: Probes,
  ) {
    this.hostReturn = space.fromAddress(HOST_RETURN);
    this.calls = new CallProbes(probes, convention, space, cpu);
  }

  /**
   * Makes a base kernel function callable by guest code at `address`. `invoke` reads the arguments and runs
   * it; `finish` stores its result.
   */
  bind(address: Ptr, name: string, invoke: () => unknown, finish: (value: Value) => void): void {
    this.cpu.bindHost(address, () => this.enter(address, name, invoke, finish));
  }

  /** Takes back `bind`. */
  unbind(address: Ptr): void {
    this.cpu.unbindHost(address);
  }

  /** Ends the running task once the base kernel function that calls this yields: do_exit(). */
  finishCurrent(): void {
    if (this.current) this.exiting = this.current;
  }

  private exiting: Task | undefined;

  /**
   * Runs a task until it blocks, yields or ends. Registers must be loaded. Interrupt work may be run so while a function of
   * the base kernel serves another task: that one keeps what is left of its slice.
   */
  resume(task: Task): Pause {
    const { current, nesting, cpu, space } = this;
    const fuel = cpu.fuel;
    if (!current) this.counted = space.accesses;
    this.current = task;
    cpu.fuel = this.slice;
    try {
      return this.loop(task);
    } finally {
      this.meter(0);
      this.current = current;
      this.nesting = nesting;
      cpu.fuel = fuel;
      if (!current) space.allowAccesses(Number.POSITIVE_INFINITY);
    }
  }

  /** Charges the task that runs, if any, for something that takes longer than the accesses to guest memory tell. */
  charge(instructions: number): void {
    if (this.current) this.cpu.charge(instructions);
  }

  private counted = 0;

  /** Charges the running task for what the base kernel has done since the last time, and allows it to go on. */
  private meter(instructions: number): void {
    const { accesses } = this.space;
    this.cpu.charge(instructions + accesses - this.counted);
    this.counted = accesses;
    this.space.allowAccesses(MAX_ACCESSES);
  }

  private loop(task: Task): Pause {
    for (;;) {
      const top = task.activations.at(-1);
      if (!top) return 'finished';
      const pause = top.kind === 'host' ? this.stepHost(task, top) : this.stepGuest(task);
      if (pause && this.exiting === task) {
        this.exiting = undefined;
        return 'finished';
      }
      if (pause) return pause;
    }
  }

  /** Advances the innermost base kernel function by one effect, called from no guest frame. */
  private stepHost(task: Task, top: Extract<Activation, { kind: 'host' }>): Pause | undefined {
    let step: IteratorResult<Effect, unknown>;
    if (top.finish) task.caller = top.caller;
    this.meter(HOST_CALL);
    try {
      step = top.body.next();
      if (!step.done) return this.carryOut(task, step.value);
      task.activations.pop();
      if (top.finish) {
        if (this.probes.returned) this.calls.answered(top.fn, top.name, step.value as Value);
        top.finish(step.value as Value);
        this.convention.returnToCaller();
        return undefined;
      }
    } catch (error) {
      this.hooks.hostError(task, error, top.name);
      return 'killed';
    }
    task.result = step.value;
    return 'finished';
  }

  private carryOut(task: Task, effect: Effect): Pause | undefined {
    if (effect.kind === 'block') return 'blocked';
    if (effect.kind === 'yield') return 'yielded';
    this.pushGuest(task, effect);
    return undefined;
  }

  private stepGuest(task: Task): Pause | undefined {
    if (this.cpu.fuel <= 0) {
      const pause = this.handle(task, { kind: 'budget' });
      if (pause) return pause;
    }
    this.nesting = 0;
    const exit = this.cpu.run();
    switch (exit.kind) {
      case 'returned':
        this.popGuest(task);
        return undefined;
      case 'exception':
        return this.handle(task, { kind: 'exception', exception: exit.exception });
      case 'budget':
        return this.handle(task, { kind: 'budget' });
      case 'unwound': {
        const trouble = this.trouble;
        this.trouble = undefined;
        return trouble ? this.handle(task, trouble) : this.blockedNow();
      }
    }
  }

  private blockedNow(): Pause | undefined {
    const pause = this.pendingPause;
    this.pendingPause = undefined;
    return pause;
  }

  private handle(task: Task, trouble: Trouble): Pause | undefined {
    switch (trouble.kind) {
      case 'exception':
        return this.hooks.exception(task, trouble.exception) === 'resume' ? undefined : 'killed';
      case 'error':
        this.hooks.hostError(task, trouble.error, trouble.name);
        return 'killed';
      case 'budget': {
        this.meter(0);
        const verdict = this.hooks.tick(task);
        this.cpu.fuel = this.slice;
        if (verdict === 'resume') return undefined;
        return verdict === 'yield' ? 'yielded' : 'killed';
      }
    }
  }

  /** Asked of every call by guest code, while it is set: what the function gives without being run. */
  instead: ((name: string, caller: Ptr) => { readonly value: Value } | undefined) | undefined;

  /** Guest code has called a bound address. */
  private enter(fn: Ptr, name: string, invoke: () => unknown, finish: (value: Value) => void): void {
    const task = this.current!;
    this.meter(HOST_CALL);
    let caller: Ptr;
    let result: unknown;
    try {
      caller = this.convention.returnAddress();
      // Guest code that ended in a jump to here left no return address of its own: the function stands for it.
      task.caller = caller === this.hostReturn ? task.entry : caller;
      if (this.probes.called) this.calls.served(fn, name, caller);
      const instead = this.instead?.(name, task.caller);
      result = instead ? instead.value : invoke();
      if (task.mayResched) result = afterTurn(result, task);
      if (!isSleepable(result)) {
        if (this.probes.returned) this.calls.answered(fn, name, result as Value);
        finish(result as Value);
        return;
      }
    } catch (error) {
      this.abandon({ kind: 'error', error, name });
      return;
    }
    const frame = { finish, fn, name, caller: task.caller, returnsTo: caller };
    this.drive(task, result as Sleepable<Value>, frame);
  }

  /** Runs a base kernel function that guest code called, nested on the host's stack as far as possible. */
  private drive(
    task: Task,
    body: Sleepable<Value>,
    frame: Pick<HostActivation, 'fn' | 'name' | 'caller' | 'returnsTo'> & {
      readonly finish: (value: Value) => void;
    },
  ): void {
    const { caller, finish, fn, name } = frame;
    const activation: Activation = { kind: 'host', body, ...frame };
    const depth = task.activations.length;
    for (;;) {
      let step: IteratorResult<Effect, unknown>;
      try {
        task.caller = caller;
        this.meter(HOST_CALL);
        step = body.next();
        if (step.done) {
          if (this.probes.returned) this.calls.answered(fn, name, step.value as Value);
          finish(step.value as Value);
          return;
        }
        task.activations.push(activation);
        if (step.value.kind !== 'call') {
          this.pendingPause = step.value.kind === 'block' ? 'blocked' : 'yielded';
          this.cpu.unwind();
          return;
        }
        this.pushGuest(task, step.value);
      } catch (error) {
        this.abandon({ kind: 'error', error, name });
        return;
      }
      if (this.nesting >= MAX_NESTED_CALLS) {
        this.cpu.unwind();
        return;
      }
      this.nesting++;
      const exit = this.cpu.run();
      this.nesting--;
      if (exit.kind === 'returned') {
        this.popGuest(task);
        task.activations.length = depth;
        continue;
      }
      if (exit.kind === 'exception') this.abandon({ kind: 'exception', exception: exit.exception });
      else if (exit.kind === 'budget') this.abandon({ kind: 'budget' });
      else this.cpu.unwind();
      return;
    }
  }

  private abandon(trouble: Trouble): void {
    this.trouble = trouble;
    this.cpu.unwind();
  }

  private pushGuest(task: Task, effect: Extract<Effect, { kind: 'call' }>): void {
    const args = effect.args.map((arg) => this.argumentBits(arg));
    const frame = this.convention.enter(effect.fn, args);
    task.activations.push({ kind: 'guest', frame, entry: task.entry });
    task.entry = effect.fn;
    if (this.probes.called) this.calls.called(effect.fn, frame, args);
  }

  private popGuest(task: Task): void {
    const activation = task.activations.pop();
    if (activation?.kind !== 'guest') throw new Error('guest code returned to a frame that is not there');
    if (this.probes.returned) this.calls.returned(task.entry, activation.frame);
    this.convention.leave(activation.frame);
    task.entry = activation.entry;
  }

  private argumentBits(arg: number | bigint): bigint {
    if (typeof arg === 'bigint') return BigInt.asUintN(64, arg);
    return arg < 0 ? BigInt.asUintN(64, BigInt(arg)) : this.space.toAddress(arg);
  }
}
