import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { describeInterruption, type Interruption } from '../../kernel/task/interruption.js';
import type { Task } from '../../kernel/task/task.js';
import type { FaultKind } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { callTrace } from './call-trace.js';
import { cpuLines, traceLines } from './oops-text.js';
import { waitOf } from './wait-of.js';

/** What a task that was stopped from outside is reported as. Nothing is said of one that its user interrupted. */
const KIND_OF = { timeout: 'timeout', work: 'endless', 'host-memory': 'out-of-memory' } as const;

/** Reports of tasks that do not come to an end, with where they are: they need not be running. */
export class StuckTasks {
  private readonly knownHung = new WeakSet<Task>();

  constructor(private readonly k: LinuxKernel) {}

  /** A task sleeps and nothing is left that could wake it: what the hung task detector says, once a task. */
  hung(task: Task): void {
    const { k } = this;
    if (this.knownHung.has(task)) return;
    this.knownHung.add(task);
    const pid = k.processes.pid(task);
    const message = `INFO: task ${task.name}:${pid} blocked for more than 120 seconds.`;
    const version = /(?:Not tainted|Tainted: ).*$/.exec(cpuLines(k, task)[0])?.[0];
    this.report(task, 'deadlock', `${message} It waits in ${waitOf(k, task)}.`, (trace) => {
      for (const line of [
        message,
        `      ${version ?? k.traps.taint.print()}`,
        '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
        `task:${task.name.padEnd(15)} state:D stack:0     pid:${String(pid).padEnd(5)} ppid:2      flags:0x00004000`,
        ...traceLines(trace),
      ])
        k.log.line(line, LOGLEVEL_ERR);
    });
  }

  /** The command is stopped. Its task ends without an oops: it may have done nothing wrong. */
  stopped(task: Task, reason: Interruption): void {
    if (reason === 'interrupted') return;
    const message = describeInterruption(reason, task.name, this.k.interruption.workLimit);
    this.report(task, KIND_OF[reason], message);
  }

  /** A task that is given the CPU again and again and does not come to an end. Nobody knows whether it would. */
  endless(task: Task, turns: number): void {
    this.report(
      task,
      'endless',
      `modbox: ${task.name} does not end: it was stopped after ${turns} turns on the CPU`,
    );
  }

  private report(
    task: Task,
    kind: FaultKind,
    message: string,
    log: (trace: readonly string[]) => void = () => {},
  ): void {
    const { k } = this;
    this.withContext(task, () => {
      const running = k.executor.current === task;
      const at = running ? k.space.fromAddress(k.cpu.rip) : task.caller;
      const trace = this.traceOf(task);
      log(trace);
      k.traps.record(task, at, kind, message, k.space.toAddress(at), trace);
    });
  }

  /** Nothing where the module has ruined the stack. */
  private traceOf(task: Task): string[] {
    try {
      return callTrace(this.k, task);
    } catch (error) {
      if (error instanceof GuestFault || error instanceof EndlessWork) return [];
      throw error;
    }
  }

  /** Runs something with the registers of a task that is not running. */
  private withContext(task: Task, body: () => void): void {
    const { cpu } = this.k;
    if (!task.context || this.k.executor.current === task) {
      body();
      return;
    }
    const own = cpu.saveContext();
    cpu.loadContext(task.context);
    body();
    cpu.loadContext(own);
  }
}
