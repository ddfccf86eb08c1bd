import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withLocals } from '../../kernel/task/locals.js';
import { TASK_NORMAL } from '../abi/task-state.js';
import { EAGAIN } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { jiffiesToNs } from '../time/jiffies.js';
import { WaitQueues } from './wait.js';
import { Waiters } from './waiters.js';

/** Queues of bit_wait_table (WAIT_TABLE_SIZE). */
const QUEUES = 256;

/** Waiting for a bit of a word to clear (kernel/sched/wait_bit.c). */
export class WaitBits implements Subsystem {
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    wake_up_bit: (word: Ptr, bit: number) => this.wake(word, bit),
    bit_waitqueue: (word: Ptr, bit: number) => this.queueOf(word, bit),
    out_of_line_wait_on_bit: (word: Ptr, bit: number, _action: Ptr, mode: number) =>
      this.wait(word, bit, mode),
    out_of_line_wait_on_bit_timeout: (word: Ptr, bit: number, _action: Ptr, mode: number, timeout: number) =>
      this.wait(word, bit, mode, jiffiesToNs(this.k, timeout)),
    out_of_line_wait_on_bit_lock: (word: Ptr, bit: number, _action: Ptr, mode: number) =>
      this.lock(word, bit, mode),
  };

  private readonly queues = new Set<Ptr>();

  /** The queue that is shared by all bits of one hash: for who waits with its own code. */
  private queueOf(word: Ptr, bit: number): Ptr {
    const { k } = this;
    const size = k.sizeOf('wait_queue_head');
    const table = k.variable('bit_wait_table', QUEUES * size);
    const queue = table + (((word >>> 3) ^ bit) & (QUEUES - 1)) * size;
    if (!this.queues.has(queue)) k.get(WaitQueues).init(queue);
    this.queues.add(queue);
    return queue;
  }

  private wake(word: Ptr, bit: number): undefined | Sleepable<void> {
    this.waiters.wakeAll(word);
    return this.queues.size === 0 ? undefined : this.wakeQueue(word, bit);
  }

  private *wakeQueue(word: Ptr, bit: number): Sleepable<void> {
    const { k } = this;
    const type = k.struct('wait_bit_key');
    const queue = this.queueOf(word, bit);
    yield* withLocals(k, type.size, function* (key) {
      type.set(key, 'flags', word);
      type.set(key, 'bit_nr', bit);
      yield* k.get(WaitQueues).wakeUp(queue, TASK_NORMAL, 1, key);
    });
  }

  private isSet(word: Ptr, bit: number): boolean {
    return (this.k.space.load8(word + (bit >> 3)) & (1 << (bit & 7))) !== 0;
  }

  /** 0, or -EAGAIN when the time is over and the bit still set. */
  private *wait(
    word: Ptr,
    bit: number,
    mode: number,
    timeoutNs = Number.POSITIVE_INFINITY,
  ): Sleepable<number> {
    const deadline = this.k.now() + timeoutNs;
    while (this.isSet(word, bit)) {
      if (this.k.now() >= deadline) return -EAGAIN;
      yield* this.waiters.wait(word, mode, deadline - this.k.now());
    }
    return 0;
  }

  private *lock(word: Ptr, bit: number, mode: number): Sleepable<number> {
    yield* this.wait(word, bit, mode);
    const at = word + (bit >> 3);
    this.k.space.store8(at, this.k.space.load8(at) | (1 << (bit & 7)));
    return 0;
  }
}
