import type { Ptr } from '../../cpu/layout.js';
import type { Argument } from '../../kernel/abi/guest-calls.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { LinuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { type KernelOptions, LinuxKernel } from '../kernel.js';
import type { FaultReport } from '../traps/report.js';

/** How long a call may take of the machine's time: a minute. */
const PATIENCE_NS = 60e9;

/** A booted kernel, and calls of its exports as a module makes them: through the CPU and the gate, in a task. */
export interface Guest {
  readonly k: LinuxKernel;
  /**
   * `call.mutex_lock(mutex)`: the result as the function's signature has it, bool as 0 or 1. Throws with the report's text where
   * the caller dies of it, and where it never returns.
   */
  readonly call: Readonly<Record<string, (...args: Argument[]) => number>>;
  /** `struct.mutex()`: zeroed kernel memory for a struct, with some members set. */
  readonly struct: Readonly<Record<string, (members?: Readonly<Record<string, number>>) => Ptr>>;
  /** Runs a function of the base kernel in a task of its own. */
  run<T>(body: () => Sleepable<T>): T;
  /** Lets virtual time pass, in nanoseconds. */
  sleep(nanoseconds: number): void;
  /** What was reported since the guest was made or this was read. */
  reports(): readonly FaultReport[];
}

/** Boots a kernel; one for each test file is enough, if its tests clean up. */
export function guest(options: KernelOptions = {}, target: LinuxTarget = loadBundled()): Guest {
  const k = new LinuxKernel(target, options);
  let seen = 0;
  const worker = new Worker(k);
  const run = <T>(body: () => Sleepable<T>): T => worker.run(body);
  return {
    k,
    run,
    sleep: (nanoseconds) => k.scheduler.settle(nanoseconds),
    reports() {
      const fresh = k.traps.reports.slice(seen);
      seen = k.traps.reports.length;
      return fresh;
    },
    call: named(
      (name) =>
        (...args) =>
          run(() => k.calls.throughCpu(k.fn(name), k.exports.signatureOf(name), args)),
    ),
    struct: named((name) => (members = {}) => {
      const type = k.struct(name);
      const ptr = k.slab.allocateBytes(type.size, true);
      for (const [path, value] of Object.entries(members)) type.set(ptr, path, value);
      return ptr;
    }),
  };
}

/** One task that makes all calls, so that what it locks it can unlock; a new one where that died or never came back. */
class Worker {
  private task: Task | undefined;
  private job: (() => Sleepable<void>) | undefined;

  constructor(private readonly k: LinuxKernel) {}

  run<T>(body: () => Sleepable<T>): T {
    const { k } = this;
    let outcome: { readonly value: T } | undefined;
    this.job = function* () {
      outcome = { value: yield* body() };
    };
    const before = k.traps.reports.length;
    if (!this.task || this.task.ended || !k.scheduler.wake(this.task))
      this.task = k.processes.create('test', this.loop());
    const { task } = this;
    k.scheduler.run(() => task.ended || outcome !== undefined, k.clock.now + PATIENCE_NS);
    if (outcome) return outcome.value;
    this.task = undefined;
    throw new Error(k.traps.reports[before]?.message ?? 'the call does not return');
  }

  private *loop(): Sleepable<void> {
    for (;;) {
      const { job } = this;
      this.job = undefined;
      if (job) yield* job();
      yield* block();
    }
  }
}

/** An object whose every property is made from its name. */
function named<T>(make: (name: string) => T): Readonly<Record<string, T>> {
  return new Proxy({}, { get: (_, name) => make(String(name)) });
}
