import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { EAGAIN } from '../errno.js';
import { WaitBits } from './wait-bit.js';

const BIT = 3;
const SECOND = 1e9;
const JIFFIES = 250;

describe('waiting for a bit to clear', () => {
  let machine: Machine;
  let word: Ptr;
  let result: number | undefined;

  beforeEach(() => {
    machine = Machine.boot({ target: loadBundled() });
    word = machine.kernel.slab.allocateBytes(8, true);
    machine.kernel.space.store64(word, 1n << BigInt(BIT));
    result = undefined;
  });

  function startWaiting(): void {
    const { kernel } = machine;
    const bits = kernel.get(WaitBits).exports;
    function* wait() {
      result = yield* bits.out_of_line_wait_on_bit_timeout(word, BIT, 0, TASK_UNINTERRUPTIBLE, JIFFIES);
    }
    kernel.processes.create('waiter', wait(), { kernelThread: true });
  }

  it('ends when the time is over', () => {
    startWaiting();
    machine.sleep(SECOND / 2);
    expect(result).toBe(undefined);
    machine.sleep(SECOND);
    expect(result).toBe(-EAGAIN);
  });

  it('ends when it is clear and somebody says so', () => {
    startWaiting();
    machine.sleep(SECOND / 2);
    machine.kernel.space.store64(word, 0n);
    machine.kernel.get(WaitBits).exports.wake_up_bit(word, 0);
    machine.sleep(SECOND / 100);
    expect(result).toBe(0);
  });
});
