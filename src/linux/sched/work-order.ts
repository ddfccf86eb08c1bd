import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';

/** In which order work was queued: flushing a queue waits for what came before, also where that queued itself again. */
export class WorkOrder {
  private readonly numbers = new Map<Ptr, number>();
  private readonly runs = new Map<Task, number>();
  /** What is queued from now on has this number or a higher one. */
  next = 1;

  queued(work: Ptr): void {
    this.numbers.set(work, this.next++);
  }

  started(worker: Task, work: Ptr): void {
    this.runs.set(worker, this.ofQueued(work));
    this.numbers.delete(work);
  }

  ended(worker: Task): void {
    this.runs.delete(worker);
  }

  ofQueued(work: Ptr): number {
    return this.numbers.get(work) ?? 0;
  }

  /** Of what a worker is at. */
  ofRun(worker: Task): number {
    return this.runs.get(worker) ?? 0;
  }
}
