import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Threads } from './kthread.js';
import { SleepQueues } from './sleepqueue.js';

interface Queue {
  readonly at: Ptr;
  readonly name: string;
  readonly tasks: Ptr[];
  running: Ptr;
  /** gtaskqueue_block(): what is enqueued waits. */
  blocked: boolean;
  ending: boolean;
}

const GROUP_BYTES = 64;

/** Groups of task queues, one for each CPU (sys/kern/subr_gtaskqueue.c): here there is one CPU. */
export class GroupTaskqueues implements Subsystem {
  private readonly queues = new Map<Ptr, Queue>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    taskqgroup_create: (name: Ptr) => this.create(this.k.space.cstring(name)),
    taskqgroup_destroy: (group: Ptr) => this.destroy(group),
    taskqgroup_bind: () => {},
    taskqgroup_attach: (group: Ptr, task: Ptr) => this.attach(group, task),
    taskqgroup_attach_cpu: (group: Ptr, task: Ptr) => {
      this.attach(group, task);
      return 0;
    },
    taskqgroup_detach: (group: Ptr, task: Ptr) => this.drain(group, this.taskOf(task)),
    taskqgroup_drain_all: (group: Ptr) => this.drainAll(group),
    grouptaskqueue_enqueue: (queue: Ptr, task: Ptr) => this.enqueue(queue, task),
    gtaskqueue_drain: (queue: Ptr, task: Ptr) => this.drain(queue, task),
    gtaskqueue_drain_all: (queue: Ptr) => this.drainAll(queue),
    gtaskqueue_cancel: (queue: Ptr, task: Ptr) => this.cancel(this.at(queue), task),
    gtaskqueue_block: (queue: Ptr) => {
      this.at(queue).blocked = true;
    },
    gtaskqueue_unblock: (queue: Ptr) => {
      this.at(queue).blocked = false;
      this.k.get(SleepQueues).wakeAll(queue);
    },
  };

  readonly data = {
    // The kernel's own group, for software interrupts: TASKQGROUP_DEFINE(softirq, ...).
    qgroup_softirq: (at: Ptr) => this.k.space.storePtr(at, this.create('softirq')),
  };

  private at(queue: Ptr): Queue {
    const found = this.queues.get(queue);
    if (found) return found;
    return this.k.panic(`0x${this.k.space.toAddress(queue).toString(16)} is no group task queue`);
  }

  private create(name: string): Ptr {
    const { k } = this;
    const at = k.slab.allocateBytes(GROUP_BYTES, true);
    const queue: Queue = { at, name, tasks: [], running: 0, blocked: false, ending: false };
    this.queues.set(at, queue);
    k.origins.note(at);
    k.get(Threads).start(`${name}_0`, k.processes.kernel, this.serve(queue));
    return at;
  }

  private *serve(queue: Queue): Sleepable<number> {
    const { k } = this;
    const type = k.struct('gtask');
    while (!queue.ending) {
      const task = queue.blocked ? undefined : queue.tasks.shift();
      if (task === undefined) {
        yield* k.get(SleepQueues).sleep(queue.at, { message: '-' });
        continue;
      }
      queue.running = task;
      const flags = type.get(task, 'ta_flags');
      type.set(task, 'ta_flags', flags & ~k.macro('TASK_ENQUEUED'));
      yield* k.callAs('v:p', type.get(task, 'ta_func'), type.get(task, 'ta_context'));
      queue.running = 0;
      k.get(SleepQueues).wakeAll(task);
    }
    return 0;
  }

  private taskOf(grouptask: Ptr): Ptr {
    return this.k.struct('grouptask').addr(grouptask, 'gt_task');
  }

  private attach(group: Ptr, grouptask: Ptr): void {
    this.k.struct('grouptask').set(grouptask, 'gt_taskqueue', group);
  }

  private enqueue(at: Ptr, task: Ptr): number {
    const { k } = this;
    const queue = this.at(at);
    const type = k.struct('gtask');
    const flags = type.get(task, 'ta_flags');
    if (flags & k.macro('TASK_ENQUEUED')) return 0;
    type.set(task, 'ta_flags', flags | k.macro('TASK_ENQUEUED'));
    queue.tasks.push(task);
    k.get(SleepQueues).wakeAll(at);
    return 0;
  }

  /** EBUSY where the task runs already. */
  private cancel(queue: Queue, task: Ptr): number {
    const type = this.k.struct('gtask');
    const at = queue.tasks.indexOf(task);
    if (at >= 0) {
      queue.tasks.splice(at, 1);
      type.set(task, 'ta_flags', type.get(task, 'ta_flags') & ~this.k.macro('TASK_ENQUEUED'));
    }
    return queue.running === task ? EBUSY : 0;
  }

  private *drain(at: Ptr, task: Ptr): Sleepable<void> {
    const queue = this.at(at);
    while (queue.running === task || queue.tasks.includes(task))
      yield* this.k.get(SleepQueues).sleep(task, { message: 'gtq_drain' });
  }

  private *drainAll(at: Ptr): Sleepable<void> {
    for (const task of [...this.at(at).tasks]) yield* this.drain(at, task);
  }

  private destroy(at: Ptr): void {
    this.at(at).ending = true;
    this.k.get(SleepQueues).wakeAll(at);
    this.queues.delete(at);
    this.k.origins.forget(at);
  }

  *holds(): Generator<Holding> {
    for (const { at, name } of this.queues.values())
      yield { kind: 'group of task queues', at, by: this.k.origins.of(at), name: () => name };
  }
}
