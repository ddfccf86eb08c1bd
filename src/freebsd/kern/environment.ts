import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';

/** Suffixes of numbers in the environment (getenv_quad(), sys/kern/kern_environment.c). */
const SUFFIXES: Readonly<Record<string, bigint>> = {
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
};

/** A number as the environment has it: with a base as in C, and a suffix; undefined for what is none. */
export function numberInEnvironment(text: string): bigint | undefined {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)([kKmMgGtT]?)\s*$/.exec(text);
  if (!match) return undefined;
  const [, sign, digits, suffix] = match;
  const octal = /^0[0-7]+$/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits) * (SUFFIXES[suffix.toLowerCase()] ?? 1n);
  return sign === '-' ? -value : value;
}

/** The kernel's environment (kenv(2), getenv(9)) and tunables. */
export class Environment implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    kern_getenv: (name: Ptr) => this.copyOf(this.k.space.cstring(name)),
    freeenv: (value: Ptr) => {
      if (value !== 0) this.k.get(Malloc).free(value, this.k.variable('M_TEMP'));
    },
    testenv: (name: Ptr) => Number(this.k.environment.has(this.k.space.cstring(name))),
    kern_setenv: (name: Ptr, value: Ptr) => {
      this.k.environment.set(this.k.space.cstring(name), this.k.space.cstring(value));
      return 0;
    },
    kern_unsetenv: (name: Ptr) => (this.k.environment.delete(this.k.space.cstring(name)) ? 0 : -1),
    getenv_int: (name: Ptr, to: Ptr) =>
      this.number(name, (value) => this.k.space.store32(to, Number(BigInt.asUintN(32, value)))),
    getenv_uint: (name: Ptr, to: Ptr) =>
      this.number(name, (value) => this.k.space.store32(to, Number(BigInt.asUintN(32, value)))),
    getenv_long: (name: Ptr, to: Ptr) => this.number(name, (value) => this.store64(to, value)),
    getenv_ulong: (name: Ptr, to: Ptr) => this.number(name, (value) => this.store64(to, value)),
    getenv_int64: (name: Ptr, to: Ptr) => this.number(name, (value) => this.store64(to, value)),
    getenv_uint64: (name: Ptr, to: Ptr) => this.number(name, (value) => this.store64(to, value)),
    getenv_quad: (name: Ptr, to: Ptr) => this.number(name, (value) => this.store64(to, value)),
    getenv_bool: (name: Ptr, to: Ptr) => this.bool(name, to),
    getenv_is_true: (name: Ptr) => Number(this.truth(this.k.space.cstring(name)) === true),
    getenv_is_false: (name: Ptr) => Number(this.truth(this.k.space.cstring(name)) === false),
    getenv_string: (name: Ptr, to: Ptr, size: number) => this.string(name, to, size),
    getenv_array: (name: Ptr, to: Ptr, size: number, sizeAt: Ptr, width: number, signed: number) =>
      this.array(name, to, size, sizeAt, width, signed !== 0),
    tunable_int_init: (data: Ptr) => this.tunable('tunable_int', data, 4),
    tunable_long_init: (data: Ptr) => this.tunable('tunable_long', data, 8),
    tunable_ulong_init: (data: Ptr) => this.tunable('tunable_ulong', data, 8),
    tunable_int64_init: (data: Ptr) => this.tunable('tunable_int64', data, 8),
    tunable_uint64_init: (data: Ptr) => this.tunable('tunable_uint64', data, 8),
    tunable_quad_init: (data: Ptr) => this.tunable('tunable_quad', data, 8),
    tunable_bool_init: (data: Ptr) => {
      const type = this.k.struct('tunable_bool');
      this.bool(type.get(data, 'path'), type.get(data, 'var'));
    },
    tunable_str_init: (data: Ptr) => {
      const type = this.k.struct('tunable_str');
      this.string(type.get(data, 'path'), type.get(data, 'var'), type.get(data, 'size'));
    },
  };

  private copyOf(name: string): Ptr {
    const value = this.k.environment.get(name);
    if (value === undefined) return 0;
    const at = this.k
      .get(Malloc)
      .malloc(value.length + 1, this.k.variable('M_TEMP'), this.k.macro('M_NOWAIT'));
    if (at !== 0) this.k.space.storeCstring(at, value);
    return at;
  }

  private number(name: Ptr, store: (value: bigint) => void): number {
    const text = this.k.environment.get(this.k.space.cstring(name));
    const value = text === undefined ? undefined : numberInEnvironment(text);
    if (value === undefined) return 0;
    store(value);
    return 1;
  }

  private store64(to: Ptr, value: bigint): void {
    this.k.space.store64(to, BigInt.asUintN(64, value));
  }

  private truth(name: string): boolean | undefined {
    const text = this.k.environment.get(name)?.toLowerCase();
    if (text === '1' || text === 't' || text === 'true' || text === 'y' || text === 'yes' || text === 'on')
      return true;
    return text === '0' || text === 'f' || text === 'false' || text === 'n' || text === 'no' || text === 'off'
      ? false
      : undefined;
  }

  private bool(name: Ptr, to: Ptr): number {
    const value = this.truth(this.k.space.cstring(name));
    if (value === undefined) return 0;
    this.k.space.store8(to, Number(value));
    return 1;
  }

  private string(name: Ptr, to: Ptr, size: number): number {
    const value = this.k.environment.get(this.k.space.cstring(name));
    if (value === undefined || size === 0) return 0;
    this.k.space.storeCstring(to, value.slice(0, size - 1));
    return 1;
  }

  private array(name: Ptr, to: Ptr, size: number, sizeAt: Ptr, width: number, _signed: boolean): number {
    const text = this.k.environment.get(this.k.space.cstring(name));
    if (text === undefined) return 0;
    const values = text
      .split(/[ ,]+/)
      .filter((one) => one !== '')
      .map(numberInEnvironment);
    if (values.includes(undefined) || values.length * width > size) return 0;
    values.forEach((value, i) => {
      const at = to + i * width;
      const bits = BigInt.asUintN(width * 8, value ?? 0n);
      for (let byte = 0; byte < width; byte++)
        this.k.space.store8(at + byte, Number((bits >> BigInt(8 * byte)) & 0xffn));
    });
    this.k.space.store32(sizeAt, values.length * width);
    return 1;
  }

  private tunable(struct: string, data: Ptr, bytes: 4 | 8): void {
    const type = this.k.struct(struct);
    const to = type.get(data, 'var');
    this.number(type.get(data, 'path'), (value) =>
      bytes === 4 ? this.k.space.store32(to, Number(BigInt.asUintN(32, value))) : this.store64(to, value),
    );
  }
}
