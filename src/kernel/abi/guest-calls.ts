import type { AddressSpace } from '../../cpu/address-space.js';
import type { CpuContract } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { type Effect, isSleepable, type Sleepable } from '../effects.js';
import type { Convention } from './convention.js';
import type { AnyFunction } from './gate.js';
import type { Code, Signature } from './signature.js';

/** A pointer as `Ptr`, an integer or a truth value; a bigint where 53 bits are too few. */
export type Argument = number | bigint | boolean;

/**
 * Calls of functions that guest code has given, or the base kernel's own where these stand in the same tables: what each argument
 * is on the way there, and the result on the way back, is said by a signature.
 */
export class GuestCalls {
  constructor(
    private readonly cpu: Pick<CpuContract, 'rip'>,
    private readonly convention: Convention,
    private readonly space: AddressSpace,
    /** The base kernel's own function at an address. */
    private readonly ownFunction: (fn: Ptr) => AnyFunction | undefined,
  ) {}

  /**
   * The result as C says: pointers as `Ptr`, integers as numbers (64-bit ones exact to 2^53), bool as 0 or 1, nothing as 0.
   * Arguments beyond those of the signature are left out: kernels before and after this one may take them.
   */
  *call(fn: Ptr, signature: Signature, args: readonly Argument[]): Sleepable<number> {
    const own = this.ownFunction(fn);
    if (own) {
      demandArguments(signature, args);
      const plainArgs = args.map((arg, i) => plain(arg, signature.params[i]));
      return yield* this.callOwn(fn, own, plainArgs);
    }
    return yield* this.throughCpu(fn, signature, args);
  }

  /** As `call`, but the base kernel's own functions are called as guest code calls them too. */
  *throughCpu(fn: Ptr, signature: Signature, args: readonly Argument[]): Sleepable<number> {
    yield this.callOf(fn, signature, args);
    return this.result(signature.result);
  }

  /** As `call`, of a function of guest code whose result is 64 bits that mean something each: exact, unsigned. */
  *callBig(fn: Ptr, signature: Signature, args: readonly Argument[]): Sleepable<bigint> {
    yield this.callOf(fn, signature, args);
    return BigInt(this.convention.result('Q'));
  }

  private callOf(fn: Ptr, signature: Signature, args: readonly Argument[]): Effect {
    demandArguments(signature, args);
    return { kind: 'call', fn, args: signature.params.map((code, i) => this.encode(args[i], code)) };
  }

  /** Where it throws, the instruction pointer stays on it: that is where a fault was. */
  private *callOwn(fn: Ptr, own: AnyFunction, args: readonly Argument[]): Sleepable<number> {
    const { cpu } = this;
    const { rip } = cpu;
    cpu.rip = this.space.toAddress(fn);
    const call = own as unknown as (...values: readonly Argument[]) => unknown;
    const result = call(...args);
    const value = isSleepable(result) ? yield* result : result;
    cpu.rip = rip;
    return Number(value ?? 0);
  }

  private encode(arg: Argument, code: Code): bigint {
    if (code === 's') throw new TypeError('structs are not passed to guest functions');
    if (code === 'p' && typeof arg === 'number' && arg >= 0) return this.space.toAddress(arg);
    return BigInt.asUintN(64, BigInt(typeof arg === 'number' ? Math.trunc(arg) : arg));
  }

  private result(code: Code): number {
    return code === 'v' ? 0 : Number(this.convention.result(code));
  }
}

function demandArguments({ params }: Signature, args: readonly Argument[]): void {
  if (args.length < params.length)
    throw new TypeError(`${params.length} arguments are wanted, ${args.length} given`);
}

/** Truth as the base kernel's own functions take it: a boolean where the parameter is bool, else a number. */
function plain(arg: Argument, code: Code | undefined): Argument {
  if (code === 'b') return Boolean(arg);
  return typeof arg === 'boolean' ? Number(arg) : arg;
}
