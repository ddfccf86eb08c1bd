import type { Ptr } from '../../cpu/layout.js';
import { EFTYPE, ENOENT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** A line of device.hints: `hint.NAME.UNIT.RESOURCE="VALUE"`. */
interface Hint {
  readonly key: string;
  readonly name: string;
  readonly unit: number;
  readonly resource: string;
  readonly value: string;
}

const HINT = /^hint\.([^.]+)\.(\d+)\.(.+)$/;
const HINT_NUMBER = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/;

/** What the kernel's environment says of devices that cannot be found by themselves (sys/kern/subr_hints.c, device.hints(5)). */
export class Hints implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    resource_int_value: (name: Ptr, unit: number, resource: Ptr, result: Ptr) =>
      this.store(name, unit, resource, (value) => this.k.space.store32(result, Number(value & 0xffff_ffffn))),
    resource_long_value: (name: Ptr, unit: number, resource: Ptr, result: Ptr) =>
      this.store(name, unit, resource, (value) => this.k.space.store64(result, BigInt.asUintN(64, value))),
    resource_string_value: (name: Ptr, unit: number, resource: Ptr, result: Ptr) => {
      const value = this.value(this.text(name), unit, this.text(resource));
      if (value === undefined) return ENOENT;
      this.k.space.storePtr(result, this.k.constantString(value));
      return 0;
    },
    resource_disabled: (name: Ptr, unit: number) => Number(this.isDisabled(this.text(name), unit)),
    resource_find_match: (anchor: Ptr, name: Ptr, unit: Ptr, resource: Ptr, value: Ptr) =>
      this.next(anchor, unit, (hint) => {
        if (hint.resource !== this.text(resource) || (value !== 0 && hint.value !== this.text(value)))
          return false;
        this.k.space.storePtr(name, this.k.constantString(hint.name));
        return true;
      }),
    resource_find_dev: (anchor: Ptr, name: Ptr, unit: Ptr, resource: Ptr, value: Ptr) =>
      this.next(
        anchor,
        unit,
        (hint) =>
          hint.name === this.text(name) &&
          (resource === 0 || hint.resource === this.text(resource)) &&
          (value === 0 || hint.value === this.text(value)),
      ),
    resource_unset_value: (name: Ptr, unit: number, resource: Ptr) => {
      const found = this.find(this.text(name), unit, this.text(resource));
      if (!found) return ENOENT;
      this.k.environment.delete(found.key);
      return 0;
    },
  };

  private text(at: Ptr): string {
    return at === 0 ? '' : this.k.space.cstring(at);
  }

  private *all(): Generator<Hint> {
    for (const [key, value] of this.k.environment) {
      const match = HINT.exec(key);
      if (match) yield { key, name: match[1], unit: Number(match[2]), resource: match[3], value };
    }
  }

  private find(name: string, unit: number, resource: string): Hint | undefined {
    for (const hint of this.all())
      if (hint.name === name && hint.unit === unit && hint.resource === resource) return hint;
    return undefined;
  }

  value(name: string, unit: number, resource: string): string | undefined {
    return this.find(name, unit, resource)?.value;
  }

  /** Devices that hints put somewhere: all with the value `value` of `resource`. */
  devicesWith(resource: string, value: string): readonly { readonly name: string; readonly unit: number }[] {
    return [...this.all()].filter((hint) => hint.resource === resource && hint.value === value);
  }

  /** A number as strtoul() reads it: undefined where there is none, 'bad' for what is none. */
  number(name: string, unit: number, resource: string): bigint | 'bad' | undefined {
    const text = this.value(name, unit, resource);
    if (text === undefined) return undefined;
    const match = HINT_NUMBER.exec(text);
    if (!match) return 'bad';
    const octal = /^0[0-7]+$/.test(match[2]) ? `0o${match[2].slice(1)}` : match[2];
    return match[1] === '-' ? -BigInt(octal) : BigInt(octal);
  }

  isDisabled(name: string, unit: number): boolean {
    const value = this.number(name, unit, 'disabled');
    return typeof value === 'bigint' && value !== 0n;
  }

  private store(name: Ptr, unit: number, resource: Ptr, store: (value: bigint) => void): number {
    const value = this.number(this.text(name), unit, this.text(resource));
    if (value === undefined) return ENOENT;
    if (value === 'bad') return EFTYPE;
    store(value);
    return 0;
  }

  /** The next hint behind the anchor, which is the number of the last one. */
  private next(anchor: Ptr, unit: Ptr, matches: (hint: Hint) => boolean): number {
    const { space } = this.k;
    const from = space.load32(anchor);
    for (const [at, hint] of [...this.all()].entries())
      if (at >= from && matches(hint)) {
        space.store32(anchor, at + 1);
        space.store32(unit, hint.unit);
        return 0;
      }
    return ENOENT;
  }
}
