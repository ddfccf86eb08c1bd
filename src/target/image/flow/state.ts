import { REGISTER } from './calls.js';
import { join, OWN_FRAME, type Pointer, pointerTo, sameValue, type Value } from './values.js';

const REGISTERS = 16;

/** What registers and stack slots hold at a place of a function. */
export class State {
  constructor(
    readonly registers: Value[] = new Array<Value>(REGISTERS).fill(undefined),
    /** Pointers in the stack frame, by offset from where the return address is. */
    readonly slots: Map<number, Value> = new Map(),
  ) {}

  static atEntry(): State {
    const state = new State();
    state.registers[REGISTER.rsp] = pointerTo(OWN_FRAME);
    return state;
  }

  copy(): State {
    return new State(this.registers.slice(), new Map(this.slots));
  }

  /** Takes in what another way to the same place brings; whether that is anything new. */
  merge(other: State, lose: (pointer: Pointer) => void): boolean {
    let changed = false;
    for (let register = 0; register < REGISTERS; register++) {
      const before = this.registers[register];
      const after = join(before, other.registers[register], lose);
      if (sameValue(before, after)) continue;
      this.registers[register] = after;
      changed = true;
    }
    for (const [slot, value] of other.slots) {
      const before = this.slots.get(slot);
      const after = join(before, value, lose);
      if (sameValue(before, after)) continue;
      this.slots.set(slot, after);
      changed = true;
    }
    return changed;
  }
}
