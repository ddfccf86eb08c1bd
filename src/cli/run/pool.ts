import { Worker } from 'node:worker_threads';
import { failedReport } from './failed-report.js';
import { DEFAULT_TIMEOUT_S } from './limits.js';
import type { JobResult, WorkerSetup } from './messages.js';

export interface PoolOptions extends WorkerSetup {
  readonly jobs: number;
}

export interface PoolResult extends JobResult {
  readonly name: string;
}

/** A worker that does not stop its machine by itself when the time is over gets so many seconds more. */
const GRACE_S = 10;
/** Machines that a worker runs before it makes room for a fresh one: guest memories are large. */
const RUNS_PER_WORKER = 400;

/**
 * Runs modules in worker threads. A worker that does not answer in time is ended, one that dies is replaced;
 * the module at fault gets an entry that says so, and the rest go on.
 */
export class WorkerPool {
  private readonly workers = new Set<Worker>();
  private readonly queue: string[] = [];
  private stopped = false;

  constructor(private readonly options: PoolOptions) {}

  async run(names: readonly string[], onResult: (result: PoolResult) => void): Promise<void> {
    this.queue.push(...names);
    const lanes = Math.min(this.options.jobs, this.queue.length);
    await Promise.all(Array.from({ length: lanes }, () => this.lane(onResult)));
  }

  /** Ends every worker at once. */
  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    for (const worker of this.workers) void worker.terminate();
  }

  private async lane(onResult: (result: PoolResult) => void): Promise<void> {
    const { queue } = this;
    let worker: Worker | undefined;
    let runs = 0;
    for (let name = queue.shift(); name !== undefined && !this.stopped; name = queue.shift()) {
      worker ??= this.start();
      const outcome = await this.ask(worker, name);
      onResult({ name, ...outcome.result });
      if (outcome.usable && ++runs < RUNS_PER_WORKER) continue;
      await this.end(worker);
      worker = undefined;
      runs = 0;
    }
    if (worker) await this.end(worker);
  }

  private start(): Worker {
    const { parameters, exec, keep, seconds, target, root, cmdline, seed, key, user, lenient, native } =
      this.options;
    const machine = { target, root, cmdline, seed, key, user, lenient, native };
    const setup: WorkerSetup = { parameters, exec, keep, seconds, ...machine };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: setup });
    this.workers.add(worker);
    return worker;
  }

  private async end(worker: Worker): Promise<void> {
    this.workers.delete(worker);
    await worker.terminate();
  }

  /** Has a worker run one module. */
  private ask(
    worker: Worker,
    name: string,
  ): Promise<{ readonly result: JobResult; readonly usable: boolean }> {
    const seconds = (this.options.seconds ?? DEFAULT_TIMEOUT_S) + GRACE_S;
    return new Promise((resolve) => {
      const onMessage = (result: JobResult): void => settle(result, true);
      const onError = (error: Error): void => fail(`the worker failed: ${error.message}`);
      const onExit = (code: number): void => fail(`the worker ended with status ${code}`);
      const settle = (result: JobResult, usable: boolean): void => {
        clearTimeout(timer);
        worker.off('message', onMessage);
        worker.off('error', onError);
        worker.off('exit', onExit);
        // An error after this, while the worker is being ended, concerns nobody.
        if (!usable) worker.on('error', () => {});
        resolve({ result, usable });
      };
      const fail = (why: string): void =>
        settle({ json: JSON.stringify(failedReport(name, why)), ok: false, why }, false);
      const timer = setTimeout(() => fail(`stopped after ${seconds} s`), seconds * 1000);
      worker.on('message', onMessage);
      worker.on('error', onError);
      worker.on('exit', onExit);
      worker.postMessage({ name });
    });
  }
}
