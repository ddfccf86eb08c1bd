import { RegisterFile } from './register-file.js';
import type { LoggedAccess, ReadHooks, RegisterSpecs, Registers, WriteHooks } from './registers.js';
import type { Surroundings } from './surroundings.js';

/** What a model says of every kind of device. `D` is the device that its hooks get. */
export interface Behaviour<R extends RegisterSpecs, S, A extends string, D> {
  readonly name: string;
  readonly registers: R;
  /** State beside registers: plain data. */
  readonly state?: () => S;
  readonly powerOn?: (device: D) => void;
  readonly alarms?: { readonly [K in A]: (device: D, argument: number) => void };
  readonly reads?: ReadHooks<R, D>;
  readonly writes?: WriteHooks<R, D>;
  /** The world round it, in the world's units: what tests and people set. */
  readonly controls?: { readonly [name: string]: Control<D> };
}

export interface Control<D> {
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly set: (device: D, value: number) => void;
}

/** What models and tests have of every device. */
export interface Device<R, S, A extends string> {
  readonly name: string;
  readonly regs: Registers<R>;
  readonly state: S;
  /** Every access that a driver made, in order. */
  readonly accesses: readonly LoggedAccess[];
  /** What drivers did that the model does not have, once each. */
  readonly missing: readonly string[];
  /** Notes that a driver wants what the model does not have. */
  lacks(what: string): void;
  /** Rings an alarm after so many nanoseconds of virtual time; one that was set is set anew. */
  after(nanoseconds: number, alarm: A, argument?: number): void;
  cancel(alarm: A): void;
  /** Sets a control. Throws RangeError for one that the model has not, or a value beyond its limits. */
  set(control: string, value: number): void;
  /** It was told to do what it cannot, which is reported: `is to transfer 5 bytes at 0x0, where it has no memory`. */
  complain(what: string): void;
}

/** The part of a device that is the same on every bus: registers with their hooks, log of accesses, alarms, controls. */
export abstract class DeviceCore<R extends RegisterSpecs, S, A extends string, D> implements Device<R, S, A> {
  readonly name: string;
  readonly state: S;
  readonly accesses: LoggedAccess[] = [];
  readonly missing: string[] = [];
  protected readonly file: RegisterFile<R>;
  private readonly alarms = new Map<A, () => void>();

  constructor(
    private readonly behaviour: Behaviour<R, S, A, D>,
    protected readonly surroundings: Surroundings,
  ) {
    this.name = behaviour.name;
    // A model without state has undefined.
    this.state = (behaviour.state?.() ?? undefined) as S;
    this.file = new RegisterFile(behaviour.registers, {
      read: (name) => this.readHook(name),
      wrote: (name, value, before) => this.writeHook(name, value, before),
      accessed: (name, kind, value, width) => this.note(name, kind, value, width),
    });
  }

  /** What hooks get: the device of its bus. */
  protected abstract get self(): D;

  get regs(): Registers<R> {
    return this.file.registers;
  }

  powerOn(): void {
    this.behaviour.powerOn?.(this.self);
  }

  powerOff(): void {
    for (const stop of this.alarms.values()) stop();
    this.alarms.clear();
  }

  after(nanoseconds: number, alarm: A, argument = 0): void {
    this.cancel(alarm);
    const { clock } = this.surroundings;
    const stop = clock.at(clock.now + nanoseconds, () => {
      this.alarms.delete(alarm);
      this.behaviour.alarms?.[alarm](this.self, argument);
    });
    this.alarms.set(alarm, stop);
  }

  cancel(alarm: A): void {
    this.alarms.get(alarm)?.();
    this.alarms.delete(alarm);
  }

  set(name: string, value: number): void {
    const control = this.behaviour.controls?.[name];
    if (!control) throw new RangeError(`${this.name} has no control '${name}'`);
    const { min = -Infinity, max = Infinity, unit = '' } = control;
    if (value < min || value > max)
      throw new RangeError(`${this.name}: ${name} is from ${min} to ${max}${unit}, not ${value}`);
    control.set(this.self, value);
  }

  complain(what: string): void {
    this.surroundings.complain(what);
  }

  private readHook(name: string): bigint | undefined {
    const hook = this.behaviour.reads?.[name];
    return hook && BigInt(hook(this.self));
  }

  private writeHook(name: string, value: bigint, before: bigint): void {
    const hook = this.behaviour.writes?.[name];
    if (!hook) return;
    const wide = this.behaviour.registers[name].width === 64;
    // The hook of a register of 64 bits takes bigints, the others numbers.
    const word = (bits: bigint): never => (wide ? bits : Number(bits)) as never;
    hook(this.self, word(value), word(before));
  }

  /** A driver's access, by the register's name. */
  protected note(register: string, kind: 'read' | 'write', bits: bigint, width: number): void {
    this.record(register, kind, width > 32 ? bits : Number(bits));
    const spec = this.behaviour.registers[register];
    if (spec === undefined) this.lacks(`${kind} at ${register}: the model has no register there`);
    else if (spec.todo !== undefined) this.lacks(`${register}: the model does not have ${spec.todo}`);
  }

  /** An access goes to the log. */
  protected record(register: string, kind: 'read' | 'write', value: number | bigint): void {
    const { clock } = this.surroundings;
    this.accesses.push({ time: clock.now, register, kind, value, from: this.surroundings.caller() });
  }

  lacks(what: string): void {
    if (!this.missing.includes(what)) this.missing.push(what);
  }
}
