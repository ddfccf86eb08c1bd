import { Worker } from 'node:worker_threads';
import { failedReport } from './failed-report.js';
import type { JobResult, WorkerSetup } from './messages.js';

export interface PoolOptions extends WorkerSetup {
  readonly jobs: number;
  readonly timeoutMs: number;
}

export interface PoolResult extends JobResult {
  readonly name: string;
}

/** Machines that a worker runs before it makes room for a fresh one: guest memories are large. */
const RUNS_PER_WORKER = 400;

/**
 * Runs modules in worker threads. A worker that does not answer in time is ended, one that dies is replaced;
 * the module at fault gets an entry that says so, and the rest go on.
 */
export class WorkerPool {
  private readonly workers = new Set<Worker>();
  private stopped = false;

  constructor(private readonly options: PoolOptions) {}

  async run(names: readonly string[], onResult: (result: PoolResult) => void): Promise<void> {
    const queue = [...names];
    const lanes = Math.min(this.options.jobs, queue.length);
    await Promise.all(Array.from({ length: lanes }, () => this.lane(queue, onResult)));
  }

  /** Ends every worker at once. */
  stop(): void {
    this.stopped = true;
    for (const worker of this.workers) void worker.terminate();
  }

  private async lane(queue: string[], onResult: (result: PoolResult) => void): Promise<void> {
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
    const { parameters, exec, keep, target, root, cmdline, seed, key, user, lenient } = this.options;
    const setup: WorkerSetup = { parameters, exec, keep, target, root, cmdline, seed, key, user, lenient };
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
    const { timeoutMs } = this.options;
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
      const timer = setTimeout(() => fail(`stopped after ${timeoutMs / 1000} s`), timeoutMs);
      worker.on('message', onMessage);
      worker.on('error', onError);
      worker.on('exit', onExit);
      worker.postMessage({ name });
    });
  }
}
