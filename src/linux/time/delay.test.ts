import { expect, it } from 'vitest';
import { block } from '../../kernel/effects.js';
import { loadBundled } from '../../target/node/index.js';
import { SOFTIRQ_DISABLE_OFFSET } from '../abi/preempt-count.js';
import { LinuxKernel } from '../kernel.js';
import { Delays } from './delay.js';

/** Runs a delay of ten milliseconds in a task, with an alarm after five; what happened, in order. */
function delayWith(prepare: (k: LinuxKernel) => void, deferrable: boolean): string[] {
  const k = new LinuxKernel(loadBundled());
  const events: string[] = [];
  const { __const_udelay } = k.get(Delays).exports;
  k.clock.arm(k.now() + 5e6, () =>
    k.scheduler.interrupt(
      'test',
      // biome-ignore lint/correctness/useYield: interrupt work is a generator also where it never waits
      function* () {
        events.push(`interrupt after ${Math.round(k.now() / 1e6)} ms`);
      },
      deferrable,
    ),
  );
  const task = k.processes.create(
    'waits',
    (function* () {
      prepare(k);
      __const_udelay(10_000 * 4295);
      events.push(`delay over after ${Math.round(k.now() / 1e6)} ms`);
      k.processes.preemptCount = 0;
      k.cpu.interruptsEnabled = true;
      yield* block();
    })(),
  );
  k.scheduler.run(() => task.state === 'blocked');
  k.scheduler.runInterrupts();
  return events;
}

it('a busy wait is interrupted, when it is time', () => {
  expect(delayWith(() => {}, true)).toEqual(['interrupt after 5 ms', 'delay over after 10 ms']);
});

it('softirqs wait where they are turned off, hard interrupts do not', () => {
  const off = (k: LinuxKernel): void => {
    k.processes.preemptCount = SOFTIRQ_DISABLE_OFFSET;
  };
  expect(delayWith(off, true)).toEqual(['delay over after 10 ms', 'interrupt after 10 ms']);
  expect(delayWith(off, false)).toEqual(['interrupt after 5 ms', 'delay over after 10 ms']);
});

it('nothing comes with interrupts off', () => {
  const off = (k: LinuxKernel): void => {
    k.cpu.interruptsEnabled = false;
  };
  expect(delayWith(off, false)).toEqual(['delay over after 10 ms', 'interrupt after 10 ms']);
});
