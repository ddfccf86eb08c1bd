import type { Ptr } from '../../../cpu/layout.js';
import { LONG_MAX } from '../../abi/limits.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const LARGEST_INT = (1n << 31n) - 1n;
const LARGEST_UINT = (1n << 32n) - 1n;
/** Clock ticks of user space (USER_HZ, sysconf(_SC_CLK_TCK)). */
const USER_HZ = 100n;
const SPACES = ' \t\n\v\f\r';

/** How a vector of numbers is stored, limited and shown. */
interface NumberKind {
  readonly bytes: 1 | 4 | 8;
  readonly signed: boolean;
  /** More than one number in the table's data. */
  readonly vector: boolean;
  /** Takes limits from extra1 and extra2, which point to numbers of `limitBytes`. */
  readonly limitBytes?: 4 | 8;
  /** Text to memory; undefined if the number does not fit. */
  readonly store?: (value: bigint) => bigint | undefined;
  readonly show?: (value: bigint) => bigint;
}

const fitsInt = (value: bigint): bigint | undefined =>
  value >= -LARGEST_INT - 1n && value <= LARGEST_INT ? value : undefined;
const fitsUnsigned = (value: bigint): bigint | undefined =>
  value >= 0n && value <= LARGEST_UINT ? value : undefined;

/** Handlers of struct ctl_table for ordinary variables (kernel/sysctl.c). */
export class SysctlHandlers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    proc_dostring: (table: Ptr, write: number, buffer: Ptr, length: Ptr, position: Ptr) =>
      this.string(table, write !== 0, buffer, length, position),
    proc_dointvec: this.numbers(() => INTEGER),
    proc_dointvec_minmax: this.numbers(() => ({ ...INTEGER, limitBytes: 4 })),
    proc_douintvec: this.numbers(() => UNSIGNED),
    proc_douintvec_minmax: this.numbers(() => ({ ...UNSIGNED, limitBytes: 4 })),
    proc_dou8vec_minmax: this.numbers(() => ({
      ...UNSIGNED,
      bytes: 1,
      limitBytes: 4,
      store: (value) => (value >= 0n && value <= 255n ? value : undefined),
    })),
    proc_dobool: this.numbers(() => ({ ...UNSIGNED, bytes: 1, store: (value) => (value === 0n ? 0n : 1n) })),
    proc_dointvec_jiffies: this.numbers(() => ({
      ...INTEGER,
      store: (value) => (value > LARGEST_INT / this.hz ? undefined : value * this.hz),
      show: (value) => value / this.hz,
    })),
    proc_dointvec_userhz_jiffies: this.numbers(() => ({
      ...INTEGER,
      store: (value) => (value * this.hz) / USER_HZ,
      show: (value) => (value * USER_HZ) / this.hz,
    })),
    proc_dointvec_ms_jiffies: this.numbers(() => ({ ...INTEGER, ...this.milliseconds() })),
    proc_doulongvec_minmax: this.numbers(() => LONG),
    proc_doulongvec_ms_jiffies_minmax: this.numbers(() => ({
      ...LONG,
      store: (value) => (value * this.hz) / 1000n,
      show: (value) => (value * 1000n) / this.hz,
    })),
  };

  /** Limits that tables point to (SYSCTL_ZERO and its kin, include/linux/sysctl.h). */
  readonly data = {
    sysctl_vals: (at: Ptr) => {
      [0, 1, 2, 3, 4, 100, 200, 1000, 3000, 0x7fff_ffff, 65535, -1].forEach((value, i) => {
        this.k.space.store32(at + i * 4, value);
      });
    },
    sysctl_long_vals: (at: Ptr) => {
      [0n, 1n, LONG_MAX].forEach((value, i) => {
        this.k.space.store64(at + i * 8, value);
      });
    },
  };

  private get hz(): bigint {
    return BigInt(this.k.target.config.get('CONFIG_HZ') ?? '250');
  }

  private milliseconds(): Pick<NumberKind, 'store' | 'show'> {
    return {
      store: (value) => (value * this.hz + 999n) / 1000n,
      show: (value) => (value * 1000n) / this.hz,
    };
  }

  private numbers(kind: () => NumberKind) {
    return (table: Ptr, write: number, buffer: Ptr, length: Ptr, position: Ptr): number => {
      const { space } = this.k;
      const type = this.k.struct('ctl_table');
      const available = space.loadU64(length);
      const data = type.get(table, 'data');
      const maximum = type.get(table, 'maxlen');
      const at = space.loadS64(position);
      if (data === 0 || maximum === 0 || available === 0 || (at !== 0 && write === 0)) {
        space.storeLong(length, 0);
        return 0;
      }
      return write !== 0
        ? this.parse(table, kind(), buffer, length, position)
        : this.print(table, kind(), buffer, length, position);
    };
  }

  private count(table: Ptr, kind: NumberKind): number {
    if (!kind.vector) return 1;
    return Math.floor(this.k.struct('ctl_table').get(table, 'maxlen') / kind.bytes);
  }

  private print(table: Ptr, kind: NumberKind, buffer: Ptr, length: Ptr, position: Ptr): number {
    const { space } = this.k;
    const data = this.k.struct('ctl_table').get(table, 'data');
    const values: bigint[] = [];
    for (let i = 0; i < this.count(table, kind); i++) {
      const value = this.load(data + i * kind.bytes, kind);
      values.push(kind.show ? kind.show(value) : value);
    }
    const text = `${values.join('\t')}\n`.slice(0, space.loadU64(length));
    space.writable(buffer, text.length).set(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    space.storeLong(length, text.length);
    space.storeLong(position, space.loadS64(position) + text.length);
    return 0;
  }

  private parse(table: Ptr, kind: NumberKind, buffer: Ptr, length: Ptr, position: Ptr): number {
    const { space } = this.k;
    const available = space.loadU64(length);
    const strict = space.loadS64(position) !== 0;
    const text = String.fromCharCode(...space.readable(buffer, available)).split('\0')[0];
    let at = 0;
    let error = 0;
    let done = 0;
    const data = this.k.struct('ctl_table').get(table, 'data');
    for (; !strict && done < this.count(table, kind); done++) {
      while (at < text.length && SPACES.includes(text[at])) at++;
      if (at === text.length) break;
      const number = /^-?(?:0[xX][0-9a-fA-F]+|[0-9]+)(?=[ \t\n]|$)/.exec(text.slice(at));
      const value = number && this.accept(table, kind, number[0]);
      if (!number || value === null || value === undefined) {
        error = -EINVAL;
        break;
      }
      this.save(data + done * kind.bytes, kind, value);
      at += number[0].length;
    }
    if (!strict && done === 0 && error === 0) error = -EINVAL;
    if (error === 0) while (at < text.length && SPACES.includes(text[at])) at++;
    space.storeLong(length, at);
    space.storeLong(position, space.loadS64(position) + at);
    return error;
  }

  /** A number as it is to be stored, or nothing if it is out of range. */
  private accept(table: Ptr, kind: NumberKind, text: string): bigint | undefined {
    const negative = text.startsWith('-');
    const digits = negative ? text.slice(1) : text;
    const isOctal = /^0[0-7]+$/.test(digits);
    const magnitude = BigInt(isOctal ? `0o${digits}` : digits.replace(/^0+(?=[0-9])/, ''));
    if (negative && !kind.signed) return undefined;
    const value = negative ? -magnitude : magnitude;
    const stored = kind.store ? kind.store(value) : value;
    if (stored === undefined) return undefined;
    return this.withinLimits(table, kind, stored) ? stored : undefined;
  }

  private withinLimits(table: Ptr, kind: NumberKind, value: bigint): boolean {
    if (!kind.limitBytes) return true;
    const type = this.k.struct('ctl_table');
    const limit = (field: 'extra1' | 'extra2'): bigint | undefined => {
      const at = type.get(table, field);
      if (at === 0) return undefined;
      return this.load(at, { ...kind, bytes: kind.limitBytes ?? 4 });
    };
    const low = limit('extra1');
    const high = limit('extra2');
    return (low === undefined || value >= low) && (high === undefined || value <= high);
  }

  private load(at: Ptr, kind: NumberKind): bigint {
    const { space } = this.k;
    if (kind.bytes === 1) return BigInt(space.load8(at));
    if (kind.bytes === 8) return space.load64(at);
    return BigInt(kind.signed ? space.loadInt32(at) : space.load32(at));
  }

  private save(at: Ptr, kind: NumberKind, value: bigint): void {
    const { space } = this.k;
    if (kind.bytes === 1) space.store8(at, Number(value));
    else if (kind.bytes === 8) space.store64(at, BigInt.asUintN(64, value));
    else space.store32(at, Number(BigInt.asUintN(32, value)));
  }

  private string(table: Ptr, write: boolean, buffer: Ptr, length: Ptr, position: Ptr): number {
    const { space } = this.k;
    const type = this.k.struct('ctl_table');
    const data = type.get(table, 'data');
    const maximum = type.get(table, 'maxlen');
    const available = space.loadU64(length);
    const at = space.loadS64(position);
    if (data === 0 || maximum === 0 || available === 0 || (at !== 0 && !write)) {
      space.storeLong(length, 0);
      return 0;
    }
    if (write) {
      const text = String.fromCharCode(...space.readable(buffer, available)).split(/[\0\n]/)[0];
      if (at === 0) space.storeCstring(data, text.slice(0, maximum - 1));
      space.storeLong(position, at + available);
      return 0;
    }
    const text = `${space.cstring(data, maximum)}\n`.slice(0, available);
    space.writable(buffer, text.length).set(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    space.storeLong(length, text.length);
    space.storeLong(position, at + text.length);
    return 0;
  }
}

const INTEGER: NumberKind = { bytes: 4, signed: true, vector: true, store: fitsInt };
const UNSIGNED: NumberKind = { bytes: 4, signed: false, vector: false, store: fitsUnsigned };
const LONG: NumberKind = { bytes: 8, signed: false, vector: true, limitBytes: 8 };
