import type { Insn } from '../../../cpu/decode/instruction.js';
import type { Prototype } from '../../../formats/btf/index.js';
import { type Call, CLEAR, READ, type TypedPointer, WRITE } from './access.js';
import { ARGUMENTS, byteFunction, keepsRegisters, registerArguments, SCRATCH, thunkOf } from './calls.js';
import type { Memory } from './memory.js';
import type { Program } from './program.js';
import type { State } from './state.js';
import { EXACT, isPointers, type Value } from './values.js';

const RAX = 0;
const THUNK_REGISTER = /_(rax|rcx|rdx|rbx|rsp|rbp|rsi|rdi|r8|r9|r1[0-5])$/;
const REGISTER_NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

/** What calls do to what is known: arguments are of the types that the callee takes, and so is its result. */
export class CallEffects {
  constructor(
    private readonly program: Program,
    private readonly memory: Memory,
    private readonly calls: Call[],
  ) {}

  /** A call of, or a jump to, what is at an address; `from`: the function that ends with it. */
  byName(insn: Insn, state: State, from?: number): void {
    const { program } = this;
    const place = program.placeAt(insn.target >>> 0);
    const name = place < 0 ? '' : program.nameOf(place);
    const thunk = thunkOf(name);
    if (thunk === 'return') {
      if (from !== undefined) this.returns(from, state);
      return;
    }
    if (thunk === 'indirect') {
      const register = REGISTER_NAMES.indexOf(THUNK_REGISTER.exec(name)?.[1] ?? '');
      this.indirect(state.registers[register], insn, state);
      return;
    }
    if (keepsRegisters(name)) {
      state.registers[RAX] = undefined;
      return;
    }
    this.touchBytes(name, state);
    const prototype = program.prototypeOf(place);
    this.arguments(prototype, state, place);
    this.result(prototype, insn, state);
    if (from !== undefined) this.returns(from, state);
  }

  /** A call of what a value points to. */
  indirect(callee: Value, insn: Insn, state: State): void {
    const { types } = this.program.layouts;
    const [pointer] = isPointers(callee) ? callee : [];
    const prototype = pointer && pointer.base >= 0 ? types.findPrototype(pointer.base) : undefined;
    if (prototype) this.arguments(prototype, state, -1);
    this.result(prototype, insn, state);
  }

  /** The function returns what it has in rax. */
  returns(place: number, state: State): void {
    const prototype = this.program.prototypeOf(place);
    const pointee = prototype && this.program.layouts.pointee(prototype.result);
    if (pointee !== undefined) this.memory.learn(state.registers[RAX], pointee);
  }

  private arguments(prototype: Prototype | undefined, state: State, place: number): void {
    const { layouts } = this.program;
    const registers = prototype ? registerArguments(prototype, layouts) : undefined;
    const count = registers && !prototype?.variadic ? registers.length : ARGUMENTS.length;
    const given: (TypedPointer[] | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      const value = state.registers[ARGUMENTS[i]];
      const pointee = registers?.[i]?.pointee;
      if (pointee !== undefined) {
        this.memory.learn(value, pointee);
        for (const { type, offset, precision } of this.memory.typed(value))
          if (precision === EXACT && (type !== pointee || offset !== 0))
            this.memory.pass(type, offset, pointee, place);
        continue;
      }
      const typed = this.memory.typed(value).filter(({ precision }) => precision === EXACT);
      if (typed.length > 0) given[i] = typed.map(({ type, offset }) => ({ type, offset }));
    }
    if (place >= 0) this.calls.push({ place, given });
  }

  private result(prototype: Prototype | undefined, insn: Insn, state: State): void {
    for (const register of SCRATCH) state.registers[register] = undefined;
    const pointee = prototype && this.program.layouts.pointee(prototype.result);
    if (pointee !== undefined && this.program.layouts.tells(pointee))
      state.registers[RAX] = [{ base: pointee, offset: 0, precision: EXACT }];
    else state.registers[RAX] = this.memory.unknown(insn.address);
  }

  private touchBytes(name: string, { registers }: State): void {
    const bytes = byteFunction(name);
    if (!bytes) return;
    const argument = (i: number): Value => registers[ARGUMENTS[i]];
    const count = argument(bytes.count);
    const size = typeof count === 'number' ? count : undefined;
    if (bytes.writes !== undefined) {
      const [from] = bytes.reads;
      const copies =
        from !== undefined && this.memory.kindOfCopy(argument(bytes.writes), argument(from)) === CLEAR;
      const clears = copies || (bytes.fills !== undefined && argument(bytes.fills) === 0);
      this.memory.accessRun(
        argument(bytes.writes),
        size,
        clears || name === 'memzero_explicit' ? CLEAR : WRITE,
      );
    }
    for (const read of bytes.reads) this.memory.accessRun(argument(read), size, READ);
  }
}
