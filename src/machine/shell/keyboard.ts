import type { BaseKernel } from '../../kernel/base-kernel.js';
import { block, type Sleepable } from '../../kernel/effects.js';

/** What the host has for the machine's standard input. It must not wait longer than a moment. */
export interface HostInput {
  /** Bytes that came, 'later' if none did yet, 'end' if none will. `count` at most. */
  take(count: number): Uint8Array | 'later' | 'end';
}

/** Virtual time that passes between two looks at the host's input. */
const LOOK_NS = 10e6;

/** The host's input as processes of a machine read it: who waits for it lets others run. */
export class Keyboard {
  constructor(
    private readonly k: BaseKernel,
    private readonly input: HostInput,
    private readonly expectSilence: (until: number) => void,
  ) {}

  /** Lets others run for a moment. */
  *pause(): Sleepable<void> {
    this.input.take(0);
    yield* this.sleep();
  }

  /** None at its end. */
  *read(count: number): Sleepable<Uint8Array> {
    for (;;) {
      const taken = this.input.take(count);
      if (taken === 'end') return new Uint8Array();
      if (taken !== 'later') return taken;
      yield* this.sleep();
    }
  }

  private *sleep(): Sleepable<void> {
    const { clock, scheduler, executor } = this.k;
    const task = executor.current!;
    const until = clock.now + LOOK_NS;
    this.expectSilence(until + LOOK_NS);
    clock.arm(until, () => scheduler.wake(task));
    while (clock.now < until) yield* block();
  }
}
