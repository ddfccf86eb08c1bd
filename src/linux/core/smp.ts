import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Calls across CPUs (kernel/smp.c), of which there is one. */
export class CrossCalls implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    on_each_cpu_cond_mask: (condition: Ptr, fn: Ptr, info: Ptr) => this.callEverywhere(condition, fn, info),
    smp_call_function_single: (_cpu: number, fn: Ptr, info: Ptr) => this.callHere(fn, info),
    smp_call_function_single_async: (_cpu: number, csd: Ptr) => this.callAsync(csd),
    smp_call_function: constant(undefined),
    smp_call_function_many: constant(undefined),
    stop_machine: (fn: Ptr, data: Ptr) => this.stopMachine(fn, data),
    kick_all_cpus_sync: constant(undefined),
    cpumask_any_and_distribute: constant(0),
    cpumask_local_spread: constant(0),
  };

  /** A cross-CPU call of the CPU itself: with interrupts off, as the interrupt of another CPU's would be served. */
  private *callHere(fn: Ptr, info: Ptr): Sleepable<number> {
    const { cpu } = this.k;
    const enabled = cpu.interruptsEnabled;
    cpu.interruptsEnabled = false;
    yield* this.k.callAs('smp_call_func_t', fn, info);
    cpu.interruptsEnabled = enabled;
    return 0;
  }

  /** stop_machine(): with the one processor's interrupts off nothing else runs. What the function returns. */
  private *stopMachine(fn: Ptr, data: Ptr): Sleepable<number> {
    const { cpu } = this.k;
    const enabled = cpu.interruptsEnabled;
    cpu.interruptsEnabled = false;
    const result = yield* this.k.callAs('i:p', fn, data);
    cpu.interruptsEnabled = enabled;
    return result;
  }

  private callAsync(csd: Ptr): Sleepable<number> {
    const type = this.k.struct('call_single_data_t');
    return this.callHere(type.get(csd, 'func'), type.get(csd, 'info'));
  }

  private *callEverywhere(condition: Ptr, fn: Ptr, info: Ptr): Sleepable<void> {
    if (condition !== 0 && (yield* this.k.callAs('smp_cond_func_t', condition, 0, info)) === 0) return;
    yield* this.callHere(fn, info);
  }
}
