import type { AddressSpace } from '../../cpu/address-space.js';
import type { CpuContract } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Convention, Reader } from '../abi/convention.js';
import type { Value } from '../effects.js';
import type { Probes } from '../probes.js';

/** Tells the probes of calls: across the boundary as the executor sees them, and what translated code tells of its own. */
export class CallProbes {
  private readonly readers: Reader[] = [];

  constructor(
    private readonly probes: Probes,
    private readonly convention: Convention,
    private readonly space: AddressSpace,
    cpu: CpuContract,
  ) {
    probes.instrument = (what) =>
      cpu.instrument(what, {
        called: (fn, caller) =>
          probes.calledInside?.({
            from: 'guest',
            to: 'guest',
            fn,
            name: '',
            caller,
            frame: convention.stack,
            words: this.words,
          }),
        returned: (at, frame) =>
          probes.returnedInside?.({ from: 'guest', to: 'guest', at, name: '', frame, result: this.result }),
        covered: (at) => probes.covered?.({ at }),
      });
  }

  /** Guest code has called a function of the base kernel. */
  served(fn: Ptr, name: string, caller: Ptr): void {
    const { convention, words } = this;
    this.probes.called?.({ from: 'guest', to: 'kernel', fn, name, caller, frame: convention.stack, words });
  }

  /** And that is done. */
  answered(at: Ptr, name: string, result: Value): void {
    const frame = this.convention.stack;
    this.probes.returned?.({ from: 'kernel', to: 'guest', at, name, frame, result });
  }

  /** The base kernel calls guest code; `frame` is what Convention.enter gave. */
  called(fn: Ptr, frame: bigint, args: readonly bigint[]): void {
    const words = (count: number): readonly bigint[] => args.slice(0, count);
    const at = this.space.fromAddress(frame);
    this.probes.called?.({ from: 'kernel', to: 'guest', fn, name: '', caller: 0, frame: at, words });
  }

  /** And that has returned. */
  returned(fn: Ptr, frame: bigint): void {
    const { result } = this;
    const at = this.space.fromAddress(frame);
    this.probes.returned?.({ from: 'guest', to: 'kernel', at: fn, name: '', frame: at, result });
  }

  private get result(): bigint {
    return this.convention.result('Q') as bigint;
  }

  private readonly words = (count: number): readonly bigint[] => {
    const { readers } = this;
    if (readers.length < count)
      readers.push(...this.convention.readers(new Array<'Q'>(count).fill('Q')).slice(readers.length));
    return readers.slice(0, count).map((read) => read() as bigint);
  };
}
