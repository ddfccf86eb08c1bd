import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { asm } from '../../kernel/abi/fidelity.js';
import { block, type Sleepable, type Value } from '../../kernel/effects.js';
import type { MiniKernel } from './mini-kernel.js';

const NS_PER_MS = 1e6;

/** The functions that modules may call, with the signatures that are their only prototypes. */
export class Functions {
  readonly exports = {
    Print: asm('v:p', (text: Ptr) => this.k.log.line(this.k.space.cstring(text), 6)),
    PrintNumbers: asm('v:i.', (count: number, args: VarArgs) =>
      this.k.log.line(Array.from({ length: count }, () => args.nextInt()).join(' '), 6),
    ),
    Allocate: asm('p:L', (bytes: number) => this.k.slab.allocateBytes(bytes, true, true)),
    Free: asm('v:p', (ptr: Ptr) => void this.k.slab.free(ptr)),
    Sleep: asm('v:u', (ms: number) => this.sleep(ms)),
    StartTask: asm('v:p', (job: Ptr) => void this.k.scheduler.spawn('task', this.perform(job))),
  };

  constructor(private readonly k: MiniKernel) {}

  private *perform(job: Ptr): Sleepable<Value> {
    const type = this.k.struct('JOB');
    yield* this.sleep(type.get(job, 'delay'));
    yield* type.call(job, 'run', type.get(job, 'argument'));
    return 0;
  }

  private *sleep(ms: number): Sleepable<void> {
    const { clock, scheduler, executor } = this.k;
    const task = executor.current!;
    clock.arm(clock.now + ms * NS_PER_MS, () => void scheduler.wake(task));
    yield* block();
  }
}
