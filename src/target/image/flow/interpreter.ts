import { effectsOf } from '../../../cpu/decode/effects.js';
import type { Insn, MemOperand, Operand } from '../../../cpu/decode/instruction.js';
import type { AccessList, Call } from './access.js';
import { CLEAR, READ, WRITE } from './access.js';
import { changedBits, loadedBits, type Surroundings } from './bit-fields.js';
import { CallEffects } from './call-effects.js';
import { Memory } from './memory.js';
import type { Objects } from './objects.js';
import type { Program } from './program.js';
import type { State } from './state.js';
import { indexed, isPointers, join, type Pointer, plus, type Value } from './values.js';

const [RAX, RCX, RSP, RBP, RSI, RDI] = [0, 1, 4, 5, 6, 7];

const ONLY_WRITE = new Set(['mov', 'movbe', 'setcc', 'pop']);
const ONLY_READ = new Set(
  'cmp test bt push mul imul1 div idiv calli jmpi imul movzx movsx ldmxcsr'.split(' '),
);
/** The lowest address constant: an image is in the upper 2 GB. */
const LOWEST = -0x8000_0000;

/** What each instruction does to what is known, and which members it accesses. */
export class Interpreter {
  private readonly memory: Memory;
  private readonly calls: CallEffects;

  constructor(
    program: Program,
    objects: Objects,
    accesses: AccessList | undefined,
    calls: Call[],
    private readonly place: number,
  ) {
    this.memory = new Memory(program, objects, accesses);
    this.calls = new CallEffects(program, this.memory, calls);
  }

  /** There are too many pointers to keep this one. */
  get lose(): (pointer: Pointer) => void {
    return this.memory.lose;
  }

  /** `leaves`: it is a jump to another function. */
  step(insn: Insn, state: State, leaves: boolean, { before, after }: Surroundings): void {
    const { op, a, b } = insn;
    const changed = changedBits(insn, before);
    if (changed !== undefined && a?.kind === 'mem' && a.segment === undefined) {
      this.memory.access(this.addressOf(a, state), a.size, WRITE, changed);
      return;
    }
    const bits = loadedBits(insn, after);
    if (bits !== undefined && a?.kind === 'reg' && b?.kind === 'mem' && b.segment === undefined) {
      this.memory.access(this.addressOf(b, state), b.size, READ, bits);
      state.registers[a.reg] = undefined;
      return;
    }
    switch (op) {
      case 'nop':
        return;
      case 'mov':
        this.write(insn, a, state, this.read(insn, b, state));
        return;
      case 'lea':
        this.setRegister(state, a, b?.kind === 'mem' ? this.effective(b, state) : undefined);
        return;
      case 'add':
      case 'sub':
      case 'and':
      case 'or':
      case 'xor':
      case 'inc':
      case 'dec':
        if (a?.kind === 'reg') this.compute(insn, state);
        else this.other(insn, state);
        return;
      case 'cmovcc':
        this.setRegister(
          state,
          a,
          a?.kind === 'reg' ? join(state.registers[a.reg], this.read(insn, b, state), this.lose) : undefined,
        );
        return;
      case 'xchg':
        this.exchange(insn, state);
        return;
      case 'cmpxchg':
        this.compareAndExchange(insn, state);
        return;
      case 'push':
        this.push(insn, state);
        return;
      case 'pop':
        this.pop(insn, state);
        return;
      case 'leave':
        state.registers[RSP] = plus(state.registers[RBP], 8);
        state.registers[RBP] = this.memory.slot(state, plus(state.registers[RBP], 0));
        return;
      case 'movs':
      case 'stos':
      case 'lods':
      case 'cmps':
      case 'scas':
        this.string(insn, state);
        return;
      case 'call':
        this.calls.byName(insn, state);
        return;
      case 'calli':
      case 'jmpi':
        this.calls.indirect(this.read(insn, a, state), insn, state);
        return;
      case 'ret':
        this.calls.returns(this.place, state);
        return;
      case 'jmp':
      case 'jcc':
        if (leaves) this.calls.byName(insn, state, this.place);
        return;
      default:
        this.other(insn, state);
    }
  }

  private other(insn: Insn, state: State): void {
    const { op, a, b, c } = insn;
    for (const operand of [b, c])
      if (operand?.kind === 'mem') this.memory.access(this.addressOf(operand, state), operand.size, READ);
    if (a?.kind === 'mem') this.modify(insn, a, state);
    // xadd gives back what was there before.
    if (op === 'xadd' && b?.kind === 'reg') state.registers[b.reg] = undefined;
    const written = effectsOf(insn)?.regsWritten ?? registersNamed(insn);
    for (let register = 0; register < 16; register++)
      if (written & (1 << register) && register !== RSP) state.registers[register] = undefined;
  }

  /** An access to memory that is the first operand. */
  private modify(insn: Insn, a: MemOperand, state: State): void {
    const { op, b } = insn;
    const address = this.addressOf(a, state);
    const constant = b?.kind === 'imm' ? b.value : undefined;
    if (ONLY_READ.has(op)) this.memory.access(address, a.size, READ, op === 'test' ? constant : bitOf(insn));
    else if (ONLY_WRITE.has(op)) this.memory.access(address, a.size, WRITE);
    else if (op === 'and' && constant !== undefined)
      this.memory.access(address, a.size, READ | CLEAR, ~constant);
    else if (op === 'btr') this.memory.access(address, a.size, READ | CLEAR, bitOf(insn));
    else this.memory.access(address, a.size, READ | WRITE, op === 'or' ? constant : bitOf(insn));
  }

  private compute(insn: Insn, state: State): void {
    const { op, a, b, size } = insn;
    if (a?.kind !== 'reg') return;
    const before = state.registers[a.reg];
    if (op === 'inc' || op === 'dec') {
      this.setRegister(state, a, plus(before, op === 'inc' ? 1 : -1));
      return;
    }
    if ((op === 'xor' || op === 'sub') && b?.kind === 'reg' && b.reg === a.reg) {
      state.registers[a.reg] = 0;
      return;
    }
    const by = this.read(insn, b, state);
    this.setRegister(state, a, size < 4 ? undefined : this.combine(op, before, by));
  }

  private combine(op: string, before: Value, by: Value): Value {
    switch (op) {
      case 'add':
        if (typeof by === 'number' && !isAddress(by)) return this.memory.moved(before, by);
        if (typeof before === 'number' && !isAddress(before)) return this.memory.moved(by, before);
        if (isPointers(before)) return indexed(before);
        return indexed(by);
      case 'sub':
        if (typeof by === 'number') return this.memory.moved(before, -by);
        return isPointers(by) ? undefined : indexed(before);
      case 'and':
        // Bits at the end of a pointer say something else, and are taken off.
        if (typeof by === 'number' && typeof before === 'number') return before & by;
        return typeof by === 'number' && by < 0 && by >= -16 ? before : undefined;
      case 'or':
        if (typeof by === 'number' && by > 0 && by < 16 && isPointers(before)) return before;
        return undefined;
      default:
        return undefined;
    }
  }

  private exchange(insn: Insn, state: State): void {
    const { a, b } = insn;
    if (b?.kind !== 'reg') return;
    const given = state.registers[b.reg];
    if (a?.kind === 'reg') {
      const other = state.registers[a.reg];
      this.setRegister(state, a, given);
      this.setRegister(state, b, other);
      return;
    }
    if (a?.kind !== 'mem') return;
    const address = this.addressOf(a, state);
    const before = this.memory.load(address, a.size, state, insn);
    this.memory.store(address, a.size, given, state);
    this.setRegister(state, b, before);
  }

  private compareAndExchange(insn: Insn, state: State): void {
    const { a, b } = insn;
    if (a?.kind === 'mem') {
      const address = this.addressOf(a, state);
      const before = this.memory.load(address, a.size, state, insn);
      this.memory.access(address, a.size, READ | WRITE);
      this.memory.learnStored(address, b?.kind === 'reg' ? state.registers[b.reg] : undefined);
      state.registers[RAX] = join(state.registers[RAX], before, this.lose);
    } else if (a?.kind === 'reg') state.registers[a.reg] = undefined;
  }

  private push(insn: Insn, state: State): void {
    const value = this.read(insn, insn.a, state);
    state.registers[RSP] = plus(state.registers[RSP], -8);
    this.memory.store(state.registers[RSP], 8, value, state);
  }

  private pop(insn: Insn, state: State): void {
    const value = this.memory.slot(state, state.registers[RSP]);
    state.registers[RSP] = plus(state.registers[RSP], 8);
    this.write(insn, insn.a, state, value);
  }

  private string({ op, size, rep }: Insn, state: State): void {
    const { registers } = state;
    const count = rep ? registers[RCX] : 1;
    const bytes = typeof count === 'number' ? count * size : undefined;
    const filled = registers[RAX] === 0 ? CLEAR : WRITE;
    const kind = op === 'stos' ? filled : this.memory.kindOfCopy(registers[RDI], registers[RSI]);
    if (op === 'movs' || op === 'stos') this.memory.accessRun(registers[RDI], bytes, kind);
    if (op === 'cmps' || op === 'scas') this.memory.accessRun(registers[RDI], bytes, READ);
    if (op !== 'stos' && op !== 'scas') this.memory.accessRun(registers[RSI], bytes, READ);
    const moved = (value: Value): Value => (bytes === undefined ? indexed(value) : plus(value, bytes));
    if (op !== 'lods') registers[RDI] = moved(registers[RDI]);
    if (op !== 'stos' && op !== 'scas') registers[RSI] = moved(registers[RSI]);
    if (op === 'lods') registers[RAX] = undefined;
    if (rep) registers[RCX] = op === 'movs' || op === 'stos' ? 0 : undefined;
  }

  /** What an operand holds; memory is accessed. */
  private read(insn: Insn, operand: Operand | undefined, state: State): Value {
    switch (operand?.kind) {
      case 'imm':
        return operand.big === undefined ? operand.value : undefined;
      case 'reg':
        if (operand.size === 8) return state.registers[operand.reg];
        return numberOf(state.registers[operand.reg]);
      case 'mem':
        if (operand.segment === 'gs') return this.memory.perCpu(operand, insn);
        return this.memory.load(this.addressOf(operand, state), operand.size, state, insn);
      default:
        return undefined;
    }
  }

  private write(_insn: Insn, operand: Operand | undefined, state: State, value: Value): void {
    if (operand?.kind === 'reg') this.setRegister(state, operand, value);
    else if (operand?.kind === 'mem' && operand.segment !== 'gs')
      this.memory.store(this.addressOf(operand, state), operand.size, value, state);
  }

  /** A write of 32 bits clears the rest; one of fewer keeps it. */
  private setRegister(state: State, operand: Operand | undefined, value: Value): void {
    if (operand?.kind !== 'reg') return;
    const { reg, size } = operand;
    if (size === 8) state.registers[reg] = value;
    else if (size === 4) state.registers[reg] = numberOf(value);
    else state.registers[reg] = undefined;
  }

  /** The result of lea. */
  private effective(operand: MemOperand, state: State): Value {
    const { base, index, disp } = operand;
    if (base >= 0 && index < 0) return this.memory.moved(state.registers[base], disp);
    return this.addressOf(operand, state);
  }

  private addressOf({ base, index, scale, disp, segment }: MemOperand, state: State): Value {
    if (segment !== undefined) return undefined;
    const by = index < 0 ? 0 : state.registers[index];
    if (base < 0) {
      if (index < 0) return disp;
      return typeof by === 'number'
        ? by * scale + disp
        : isAddress(disp)
          ? indexed(this.memory.global(disp))
          : scale === 1
            ? plus(by, disp)
            : undefined;
    }
    const start = state.registers[base];
    if (typeof by === 'number') return plus(start, by * scale + disp);
    if (isPointers(start))
      return plus(
        isPointers(by) && scale === 1 ? join(indexed(start), indexed(by), this.lose) : indexed(start),
        disp,
      );
    if (typeof start === 'number' && isAddress(start)) return plus(indexed(this.memory.global(start)), disp);
    if (!isPointers(by) || scale !== 1) return undefined;
    return plus(typeof start === 'number' ? plus(by, start) : indexed(by), disp);
  }
}

export const isAddress = (value: number): boolean => value < -0x100_0000 && value >= LOWEST;

/** What 32 bits of a value are: no pointer. */
function numberOf(value: Value): Value {
  return typeof value === 'number' ? value : undefined;
}

/** The bit that bt, bts and their like name, as a mask. */
function bitOf({ op, b }: Insn): number | undefined {
  if (!op.startsWith('bt') || b?.kind !== 'imm') return undefined;
  return b.value < 32 ? 1 << b.value : undefined;
}

/** For instructions of which nothing more is known: all registers that they name. */
function registersNamed({ a, b }: Insn): number {
  let mask = 0b111;
  for (const operand of [a, b]) if (operand?.kind === 'reg') mask |= 1 << operand.reg;
  return mask;
}
