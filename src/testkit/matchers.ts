import type { Device } from '../sim.js';
import { behind } from './device-handle.js';
import { KitMachine } from './kit-machine.js';
import { findingsText, isClean, type Outcome } from './outcome.js';

/** What a matcher finds; as runners have it. */
export interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

type AnyDevice = Pick<Device<object, unknown, string>, 'name' | 'accesses'>;
type Access = AnyDevice['accesses'][number];

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** An access as steps are written: `command = 0x5`, `status → 0x1`. */
function stepOf({ register, kind, value }: Access): string {
  return `${register} ${kind === 'write' ? '=' : '→'} ${hex(value)}`;
}

/** Whether an access is one that a step describes. `*` stands for every value; numbers may be decimal, 0x or 0b. */
function fits(step: string, { register, kind, value }: Access): boolean {
  const match = /^(.+?)\s*(=|→|->)\s*(\S+)$/.exec(step);
  if (!match) throw new TypeError(`'${step}' is no step: REGISTER = VALUE, or REGISTER → VALUE`);
  const [, name, sign, wanted] = match;
  if (name !== register || (sign === '=') !== (kind === 'write')) return false;
  return wanted === '*' || BigInt(wanted) === BigInt(value);
}

/** The last accesses, for messages. */
function recent({ accesses }: AnyDevice): string {
  const last = accesses.slice(-20).map((access) => `  ${stepOf(access)}    ${access.from}`);
  return last.length === 0 ? 'nobody has accessed it' : `the last accesses:\n${last.join('\n')}`;
}

/** The device is bound to a driver of that name. */
export function toBeBoundTo(device: object, driver: string): Verdict {
  const machine = behind(device).owner.machine as KitMachine;
  const bound = machine.driverOf(device);
  const name = (device as AnyDevice).name;
  return {
    pass: bound === driver,
    message: () =>
      bound === undefined
        ? `${name} is bound to no driver, not to ${driver}\n${machine.log.slice(-5).join('\n')}`
        : `${name} is bound to ${bound}`,
  };
}

/** A register was written, with that value if one is given. */
export function toHaveWritten(device: AnyDevice, register: string, value?: number | bigint): Verdict {
  const written = device.accesses.filter((access) => access.kind === 'write' && access.register === register);
  const pass = written.some((access) => value === undefined || BigInt(access.value) === BigInt(value));
  const wanted = value === undefined ? register : `${register} = ${hex(value)}`;
  return {
    pass,
    message: () => `${wanted} was ${pass ? '' : 'not '}written to ${device.name}; ${recent(device)}`,
  };
}

/** Accesses happened in this order, others between them or not. */
export function toHaveAccessed(device: AnyDevice, ...steps: readonly string[]): Verdict {
  let next = 0;
  for (const access of device.accesses) if (next < steps.length && fits(steps[next], access)) next++;
  const pass = next === steps.length;
  return {
    pass,
    message: () =>
      pass
        ? `${device.name} was accessed so`
        : `${device.name}: no '${steps[next]}' after ${next} of the steps; ${recent(device)}`,
  };
}

/** A line of the kernel log has a text, or fits a pattern. */
export function toHaveLogged(machine: KitMachine, wanted: string | RegExp): Verdict {
  const { log } = machine;
  const pass = log.some((line) => (typeof wanted === 'string' ? line.includes(wanted) : wanted.test(line)));
  return {
    pass,
    message: () => `${wanted} was ${pass ? '' : 'not '}logged; the last lines:\n${log.slice(-10).join('\n')}`,
  };
}

/** Nothing was found: of a machine once all is unloaded, or of an outcome. */
export function toBeClean(subject: KitMachine | Outcome): Verdict {
  const outcome = subject instanceof KitMachine ? subject.finish() : subject;
  const pass = isClean(outcome);
  return { pass, message: () => (pass ? 'nothing was found' : `modbox found:\n${findingsText(outcome)}`) };
}
