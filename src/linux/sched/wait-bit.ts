import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EAGAIN } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { jiffiesToNs } from '../time/jiffies.js';
import { Waiters } from './waiters.js';

/** Waiting for a bit of a word to clear (kernel/sched/wait_bit.c). */
export class WaitBits implements Subsystem {
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    wake_up_bit: (word: Ptr) => this.waiters.wakeAll(word),
    out_of_line_wait_on_bit: (word: Ptr, bit: number, _action: Ptr, mode: number) =>
      this.wait(word, bit, mode),
    out_of_line_wait_on_bit_timeout: (word: Ptr, bit: number, _action: Ptr, mode: number, timeout: number) =>
      this.wait(word, bit, mode, jiffiesToNs(this.k, timeout)),
    out_of_line_wait_on_bit_lock: (word: Ptr, bit: number, _action: Ptr, mode: number) =>
      this.lock(word, bit, mode),
  };

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
