import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_NORMAL } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { WaitQueues } from './wait.js';

const WAIT_TABLE_SIZE = 256;
/** bit_nr of those who wait for a variable and not for a bit of it. */
const NO_BIT = -1;

/** Waiting for a variable to change: wait_var_event's inlined loop works on these queues (kernel/sched/wait_bit.c). */
export class WaitVars implements Subsystem {
  private table: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __var_waitqueue: (variable: Ptr) => this.queueOf(variable),
    init_wait_var_entry: (entry: Ptr, variable: Ptr, flags: number) => this.initEntry(entry, variable, flags),
    wake_up_var: (variable: Ptr) => this.wakeUp(variable),
  };

  /** Variables share queues: each waiter is asked whether it was meant. */
  private queueOf(variable: Ptr): Ptr {
    const { k } = this;
    const { size } = k.struct('wait_queue_head');
    if (this.table === 0) {
      this.table = k.permanent(WAIT_TABLE_SIZE * size);
      for (let i = 0; i < WAIT_TABLE_SIZE; i++) k.get(WaitQueues).init(this.table + i * size);
    }
    return this.table + ((variable >>> 3) % WAIT_TABLE_SIZE) * size;
  }

  private initEntry(at: Ptr, variable: Ptr, flags: number): void {
    const { k } = this;
    const type = k.struct('wait_bit_queue_entry');
    type.set(at, 'key.flags', variable);
    type.set(at, 'key.bit_nr', NO_BIT);
    type.set(at, 'wq_entry.flags', flags);
    type.set(at, 'wq_entry.private', k.current);
    type.bind(at, 'wq_entry.func', 'var_wake_function', (entry: Ptr, mode: number, _sync: number, key: Ptr) =>
      this.wake(entry, mode, key),
    );
    list.init(k.space, type.addr(at, 'wq_entry.entry'));
  }

  private *wakeUp(variable: Ptr): Sleepable<void> {
    const { k } = this;
    const queue = this.queueOf(variable);
    if (list.isEmpty(k.space, k.struct('wait_queue_head').addr(queue, 'head'))) return;
    const type = k.struct('wait_bit_key');
    const key = k.slab.allocateBytes(type.size, true);
    type.set(key, 'flags', variable);
    type.set(key, 'bit_nr', NO_BIT);
    yield* k.get(WaitQueues).wakeUp(queue, TASK_NORMAL, 1, key);
    k.slab.free(key);
  }

  private wake(entry: Ptr, mode: number, key: Ptr): number | Sleepable<number> {
    const { k } = this;
    const waiter = k.struct('wait_bit_queue_entry').of(entry, 'wq_entry');
    const wanted = k.struct('wait_bit_queue_entry').addr(waiter, 'key');
    const type = k.struct('wait_bit_key');
    const isMeant = (['flags', 'bit_nr'] as const).every(
      (member) => type.get(wanted, member) === type.get(key, member),
    );
    return isMeant ? k.get(WaitQueues).autoremoveWake(entry, mode) : 0;
  }
}
