import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Threads } from './kthread.js';
import { SleepQueues } from './sleepqueue.js';

interface Queue {
  readonly at: Ptr;
  readonly name: string;
  readonly tasks: Ptr[];
  running: Ptr;
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
    gtaskqueue_cancel: (queue: Ptr, task: Ptr) => {
      const one = this.queues.get(queue);
      const at = one?.tasks.indexOf(task) ?? -1;
      if (at >= 0) one?.tasks.splice(at, 1);
      return one?.running === task ? this.k.macro('EBUSY') : 0;
    },
    gtaskqueue_block: () => {},
    gtaskqueue_unblock: () => {},
  };

  private create(name: string): Ptr {
    const { k } = this;
    const at = k.slab.allocateBytes(GROUP_BYTES, true);
    const queue: Queue = { at, name, tasks: [], running: 0, ending: false };
    this.queues.set(at, queue);
    k.origins.note(at);
    k.get(Threads).start(`${name}_0`, k.processes.kernel, this.serve(queue));
    return at;
  }

  private *serve(queue: Queue): Sleepable<number> {
    const { k } = this;
    const type = k.struct('gtask');
    while (!queue.ending) {
      const task = queue.tasks.shift();
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
    const queue = this.queues.get(at);
    const type = k.struct('gtask');
    const flags = type.get(task, 'ta_flags');
    if (!queue || flags & k.macro('TASK_ENQUEUED')) return 0;
    type.set(task, 'ta_flags', flags | k.macro('TASK_ENQUEUED'));
    queue.tasks.push(task);
    k.get(SleepQueues).wakeAll(at);
    return 0;
  }

  private *drain(at: Ptr, task: Ptr): Sleepable<void> {
    const queue = this.queues.get(at);
    while (queue && (queue.running === task || queue.tasks.includes(task)))
      yield* this.k.get(SleepQueues).sleep(task, { message: 'gtq_drain' });
  }

  private *drainAll(at: Ptr): Sleepable<void> {
    for (const task of [...(this.queues.get(at)?.tasks ?? [])]) yield* this.drain(at, task);
  }

  private destroy(at: Ptr): void {
    const queue = this.queues.get(at);
    if (queue) queue.ending = true;
    this.k.get(SleepQueues).wakeAll(at);
    this.queues.delete(at);
    this.k.origins.forget(at);
  }

  *holds(): Generator<Holding> {
    for (const { at, name } of this.queues.values())
      yield { kind: 'group of task queues', at, by: this.k.origins.of(at), name: () => name };
  }
}
