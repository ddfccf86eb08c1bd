import { RDX, RSI } from '../../cpu/cpu-types.js';
import { Decoder } from '../../cpu/decode/decoder.js';
import type { Insn, Operand } from '../../cpu/decode/instruction.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { ImageGraph } from './image-graph.js';
import { PLACE } from './places.js';

/** Instructions that only look at their first operand. */
const READERS = new Set(
  'cmp test bt push call calli jmp jmpi mul imul1 div idiv nop ptest ucomiss ucomisd comiss comisd'.split(
    ' ',
  ),
);

/** Registers that the class of a lock is handed over in: the second argument of __class_register(), the third of __mutex_init() and the like. */
const LOCK_CLASS_REGISTERS: ReadonlySet<number> = new Set([RDX, RSI]);

type Access = 'reads' | 'writes' | 'address' | 'lock class';

/**
 * What the code of single functions does with what it refers to: the reference table says that it does, this looks at the
 * instructions, one function at a time, when somebody asks.
 */
export class Accesses {
  private readonly decoded = new Map<number, readonly Insn[]>();

  constructor(
    private readonly image: KernelImage,
    private readonly graph: ImageGraph,
  ) {}

  /** Whether a function writes to a variable or makes its address known to somebody. */
  sets(place: number, variable: number): boolean {
    const found = this.accessesOf(place, variable);
    // What is referred to in a way that is not seen here may be set.
    return found.length === 0 || found.some((access) => access === 'writes' || access === 'address');
  }

  /** Whether a function itself writes to a variable. */
  writes(place: number, variable: number): boolean {
    return this.accessesOf(place, variable).includes('writes');
  }

  /** Whether all that a function does with the address of a variable is to hand over the class of a lock, which has the same. */
  meansLockClass(place: number, variable: number): boolean {
    const found = this.accessesOf(place, variable);
    return found.length > 0 && found.every((access) => access === 'lock class');
  }

  /** Where in its code, in bytes from its beginning, a function first goes to another; undefined where it only knows its address. */
  callAt(place: number, called: number): number | undefined {
    const address = this.graph.addressOf(called);
    return this.insnsOf(place).find(({ target }) => target !== 0 && target >>> 0 === address)?.ptr;
  }

  private accessesOf(place: number, variable: number): Access[] {
    return this.insnsOf(place).flatMap((insn) => this.accesses(insn, variable));
  }

  private insnsOf(place: number): readonly Insn[] {
    let insns = this.decoded.get(place);
    if (!insns) {
      insns = this.decode(place);
      this.decoded.set(place, insns);
    }
    return insns;
  }

  private decode(place: number): Insn[] {
    const { graph, image } = this;
    const base = graph.addressOf(place);
    const size = graph.endOf(place) - base;
    const decoder = new Decoder(image.read(base, size), () => size);
    const insns: Insn[] = [];
    // Addresses are signed, as the decoder has them.
    for (let at = 0; at < size; at += insns[insns.length - 1].length)
      insns.push(decoder.decode(at, base + at - 2 ** 32));
    return insns;
  }

  private accesses(insn: Insn, variable: number): Access[] {
    const { op, a, b, c } = insn;
    return [
      ...this.operand(insn, a, variable, READERS.has(op) ? 'reads' : 'writes'),
      ...this.operand(insn, b, variable, op === 'lea' ? 'address' : op === 'xchg' ? 'writes' : 'reads'),
      ...this.operand(insn, c, variable, 'reads'),
    ];
  }

  private operand(insn: Insn, operand: Operand | undefined, variable: number, access: Access): Access[] {
    const { graph } = this;
    const is = (address: number): boolean => graph.placeAt(address) === variable;
    const perCpu = graph.kinds[variable] === PLACE.perCpu;
    if (operand?.kind === 'mem') {
      const isOffset = perCpu && operand.segment !== 'gs' && operand.base < 0;
      return !isOffset && is(operand.disp >>> 0) ? [access] : [];
    }
    if (operand?.kind !== 'imm' || (!perCpu && operand.value >= 0) || !is(operand.value >>> 0)) return [];
    // An address that something is compared with is the end of an array.
    if (insn.op === 'cmp') return ['reads'];
    return [this.handsOverLockClass(insn, operand.value >>> 0, variable) ? 'lock class' : 'address'];
  }

  private handsOverLockClass({ op, a }: Insn, address: number, variable: number): boolean {
    const { graph } = this;
    return (
      op === 'mov' &&
      a?.kind === 'reg' &&
      LOCK_CLASS_REGISTERS.has(a.reg) &&
      graph.addressOf(variable) === address &&
      graph.isLockClass(variable)
    );
  }
}
