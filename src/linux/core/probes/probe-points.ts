import { RSP } from '../../../cpu/cpu-types.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { CALL } from '../../abi/instructions.js';
import { symbolize } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import { IMAGE, MODULES } from '../../memory-map.js';
import type { Subsystem } from '../../subsystem.js';
import { loadRegisters, readRegisters, saveRegisters } from './pt-regs.js';

/** `call __fentry__` at the beginning of a function, which ftrace makes a NOP. */
export const FENTRY_BYTES = 5;

/** Somebody who wants to be called when code comes to a function. */
export interface Probe {
  /** How far the instruction pointer is beyond the function's address, as the probe is shown it. */
  readonly shownIp: number;
  /** Before the function: true where it is not to be run, but what the registers now point to. */
  before(regs: Ptr): Sleepable<boolean>;
  /** Still before the function, but after all have had their turn and nobody diverted it. */
  after?(regs: Ptr): Sleepable<void>;
  /** Called instead when code comes here from within a probe. */
  missed?(): void;
}

/**
 * Entries of functions where probes wait: of the base kernel's exports, whose calls go through the export table, and of functions
 * of modules that begin with `call __fentry__`. Whoever calls a function of the base kernel from within it does not come by.
 */
export class ProbePoints implements Subsystem {
  readonly exports = {};

  private readonly points = new Map<Ptr, Probe[]>();
  private running = false;

  constructor(private readonly k: LinuxKernel) {}

  /** Newest first, as the kernel keeps them. Throws Unimplemented in the middle of functions of modules. */
  attach(address: Ptr, probe: Probe): void {
    const known = this.points.get(address);
    if (known) {
      known.unshift(probe);
      return;
    }
    if (this.inModule(address)) this.intercept(address);
    else this.k.exports.intercept(address, () => this.hit(address), address + FENTRY_BYTES);
    this.points.set(address, [probe]);
  }

  detach(address: Ptr, probe: Probe): void {
    const probes = this.points.get(address);
    const index = probes?.indexOf(probe) ?? -1;
    if (!probes || index < 0) return;
    probes.splice(index, 1);
    if (probes.length > 0) return;
    this.points.delete(address);
    if (this.inModule(address)) this.k.cpu.unbindHost(address);
    else this.k.exports.release(address, address + FENTRY_BYTES);
  }

  /** Whether code at an address begins with a call of `__fentry__`. */
  traceable(address: Ptr): boolean {
    const { space } = this.k;
    if (!this.inModule(address)) return true;
    if (!space.canRead(address, FENTRY_BYTES) || space.bytes[address] !== CALL) return false;
    return address + FENTRY_BYTES + space.loadInt32(address + 1) === this.k.fn('__fentry__');
  }

  /** Runs a handler with preemption and interrupts off, as the kernel does. */
  *guarded(body: () => Sleepable<unknown>): Sleepable<void> {
    const { processes, cpu } = this.k;
    cpu.interruptsEnabled = false;
    processes.preemptCount++;
    this.running = true;
    yield* body();
    this.running = false;
    processes.preemptCount--;
  }

  /** Goes on at an address, with the registers as they are, from a function that returns. */
  goTo(address: bigint): void {
    const { cpu, space } = this.k;
    const stack = cpu.getPtr(RSP) - 8;
    space.store64(stack, address);
    cpu.setPtr(RSP, stack);
  }

  private inModule(address: Ptr): boolean {
    return address >= MODULES.start && address < MODULES.start + MODULES.size;
  }

  private intercept(address: Ptr): void {
    const { k } = this;
    if (!this.traceable(address))
      throw new Unimplemented(
        `a probe at ${symbolize(k, address)}, where no function with __fentry__ begins`,
        '',
      );
    const enter = (): Sleepable<undefined> => this.enterGuest(address);
    k.executor.bind(address, symbolize(k, address), enter, () => {});
  }

  private *enterGuest(address: Ptr): Sleepable<undefined> {
    if (!(yield* this.hit(address))) this.goTo(this.k.space.toAddress(address + FENTRY_BYTES));
    return undefined;
  }

  /** Whether code goes on elsewhere: goTo() was called. */
  private *hit(address: Ptr): Sleepable<boolean> {
    const { k } = this;
    const probes = [...(this.points.get(address) ?? [])];
    if (this.running) {
      for (const probe of probes) probe.missed?.();
      return false;
    }
    const context = k.cpu.saveContext();
    const type = k.struct('pt_regs');
    const regs = saveRegisters(k, address);
    const setIp = (offset: number): void => type.setBig(regs, 'ip', k.space.toAddress(address + offset));
    let diverted = false;
    yield* this.guarded(function* () {
      for (const probe of probes) {
        setIp(probe.shownIp);
        diverted = yield* probe.before(regs);
        if (diverted) return;
      }
      setIp(FENTRY_BYTES);
      for (const probe of probes) if (probe.after) yield* probe.after(regs);
    });
    const registers = readRegisters(k, regs);
    const ip = type.getBig(regs, 'ip');
    k.cpu.loadContext(context);
    loadRegisters(k.cpu, registers);
    if (diverted) this.goTo(ip);
    return diverted;
  }

  /** Whether there can be code at an address: of the kernel or of a module. */
  isText(address: Ptr): boolean {
    const { k } = this;
    if (this.inModule(address)) return k.space.isExecutable(address);
    return address >= IMAGE.start && address >= k.symbol('_text') && address < k.symbol('_etext');
  }
}
