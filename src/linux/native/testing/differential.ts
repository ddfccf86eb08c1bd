import type { Ptr } from '../../../cpu/layout.js';
import type { Code } from '../../../kernel/abi/signature.js';
import type { LinuxTarget } from '../../../target/index.js';
import type { Random } from '../../../testing/random.js';
import { type Guest, guest } from '../../testing/guest.js';

/** Memory that an argument points to: its bytes before the call. What is there afterwards is compared. */
export type Bytes = Uint8Array;
/** A number, memory, or `call`: a function that compares two bytes, as qsort's does. */
export type Argument = number | bigint | Bytes | 'compare';

/** An exported function, and a way to make arguments for it. */
export interface Subject {
  readonly name: string;
  readonly make: (random: Random) => readonly Argument[];
  /** What it calls of its own that means nothing to others. */
  readonly with?: string;
  /** Whether memory may differ: what is written before damaged input is found out. */
  readonly resultAlone?: boolean;
}

/** A call that both do otherwise. */
export interface Difference {
  readonly call: string;
  readonly typescript: string;
  readonly native: string;
}

/** Bytes of memory that arguments are laid out in, and between them. */
const ARENA = 0x2_0000;
const GAP = 64;

/** Calls a function with the same arguments as TypeScript has it and as the target's image does, `count` times. */
export class Differential {
  private readonly sides: readonly [Side, Side];

  constructor(target: LinuxTarget, subjects: readonly Subject[]) {
    const without = new Set(
      subjects.flatMap((subject) => [subject.name, ...(subject.with ? [subject.with] : [])]),
    );
    this.sides = [new Side(guest({}, target)), new Side(guest({ without }, target))];
    if (this.sides[0].arena !== this.sides[1].arena)
      throw new Error('the two kernels do not lie alike in memory');
  }

  /** The first call that differs. */
  compare(
    { name, make, resultAlone = false }: Subject,
    count: number,
    random: Random,
  ): Difference | undefined {
    for (let i = 0; i < count; i++) {
      const args = make(random);
      const [typescript, native] = this.sides.map((side) => side.call(name, args, resultAlone));
      if (typescript !== native)
        return { call: `${name}(${args.map(shown).join(', ')})`, typescript, native };
    }
    return undefined;
  }

  /** Functions that the native side has run. */
  get nativeFunctions(): readonly string[] {
    return this.sides[1].machine.k.native?.use.functions ?? [];
  }
}

class Side {
  readonly arena: Ptr;
  private readonly compareFunction: Ptr;

  constructor(readonly machine: Guest) {
    const { k } = machine;
    this.arena = k.permanent(ARENA);
    const compare = (a: Ptr, b: Ptr): number => k.space.load8(a) - k.space.load8(b);
    this.compareFunction = k.exports.hostFunction('differential_compare', 'i:pp', compare);
  }

  /** What comes of a call, as text: the result, and all memory that it was given. */
  call(name: string, args: readonly Argument[], resultAlone: boolean): string {
    const { k, run } = this.machine;
    const memory = k.space.bytes.subarray(this.arena, this.arena + ARENA);
    memory.fill(0);
    let at = GAP;
    const words = args.map((arg) => {
      if (arg === 'compare') return this.compareFunction;
      if (!(arg instanceof Uint8Array)) return arg;
      const start = at;
      memory.set(arg, start);
      at = (start + arg.length + 2 * GAP) & ~(GAP - 1);
      return this.arena + start;
    });
    const signature = k.exports.signatureOf(name);
    let outcome: string;
    try {
      const result = run(() => k.calls.callBig(k.fn(name), signature, words));
      outcome = resultText(signature.result, result);
    } catch (error) {
      outcome = `stops: ${error instanceof Error ? error.message : String(error)}`;
    }
    return resultAlone ? outcome : `${outcome} ${hexOf(memory.subarray(0, at))}`;
  }
}

const WIDTHS: Readonly<Partial<Record<Code, number>>> = { i: 32, u: 32, h: 16, H: 16, c: 8, C: 8, b: 8 };

function resultText(code: Code, result: bigint): string {
  return code === 'v' ? 'returns' : `0x${BigInt.asUintN(WIDTHS[code] ?? 64, result).toString(16)}`;
}

const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/(00)+$/, '');

function shown(arg: Argument): string {
  return arg instanceof Uint8Array ? `<${hexOf(arg)}>` : String(arg);
}
