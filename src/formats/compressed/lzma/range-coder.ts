import {
  type Code,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type Operand,
  repeated,
  sequence,
  set,
  tee,
  when,
} from './assembler.js';

/** log2 of how probabilities are scaled, and how fast they follow what comes (LZMA specification). */
const PROBABILITY_BITS = 11;
const MOVE_BITS = 5;
const TOP = 1 << 24;

/**
 * Macros of the range decoder. Range and code are unsigned 32-bit numbers in 64-bit locals, so that the sign of
 * `code - bound` is the decoded bit: in trees, whose bits are hard to predict, `mask` (-1 for the bit 0, 0 for
 * the bit 1) does arithmetically what branches would do.
 */
export class RangeCoder {
  readonly range: Local;
  readonly code: Local;
  private readonly probability: Local;
  private readonly bound: Local;
  private readonly mask: Local;
  private readonly model: Local;
  private readonly children: Local;
  private readonly ifZero: Local;
  private readonly ifOne: Local;

  constructor(
    f: FunctionBuilder,
    /** Address of the next byte of input. */
    readonly at: Local,
  ) {
    this.range = f.local('i64');
    this.code = f.local('i64');
    this.probability = f.local('i64');
    this.bound = f.local('i64');
    this.mask = f.local('i64');
    this.model = f.local('i32');
    this.children = f.local('i32');
    this.ifZero = f.local('i64');
    this.ifOne = f.local('i64');
  }

  normalize(): Code {
    const { range, code, at } = this;
    return when(
      i64.ltU(range, TOP),
      sequence(
        set(range, i64.shl(range, 8)),
        // Damaged data can have a code beyond the range; it loses its upper bits as in 32-bit arithmetic.
        set(code, i64.extendU(i32.wrap(i64.or(i64.shl(code, 8), i64.load8U(at))))),
        set(at, i32.add(at, 1)),
      ),
    );
  }

  /** Decodes a bit that decides what follows. The model is at `base + offset`. */
  bit(base: Operand, offset: number, zero: Code, one: Code): Code {
    const { range, code, probability: p, bound, model } = this;
    return sequence(
      set(model, base),
      set(p, i64.load16U(model, offset)),
      this.normalize(),
      set(bound, i64.mul(i64.shrU(range, PROBABILITY_BITS), p)),
      when(
        i64.ltU(code, bound),
        sequence(
          set(range, bound),
          i64.store16(model, offset, i64.add(p, i64.shrU(i64.sub(1 << PROBABILITY_BITS, p), MOVE_BITS))),
          zero,
        ),
        sequence(
          set(range, i64.sub(range, bound)),
          set(code, i64.sub(code, bound)),
          i64.store16(model, offset, i64.sub(p, i64.shrU(p, MOVE_BITS))),
          one,
        ),
      ),
    );
  }

  /**
   * Decodes `bits` bits, most significant first, from the tree of models at `base + offset`, and sets `symbol`.
   * Both models that may be next are loaded before the bit is known that decides between them.
   */
  tree(symbol: Local, base: Operand, offset: number, bits: number): Code {
    const { probability: p, mask, model, children, ifZero, ifOne } = this;
    // A model is at start + 2 * index, its children at start + 4 * index and 2 further on.
    const start = symbol;
    return sequence(
      set(start, base),
      this.root(start),
      set(p, i64.load16U(model, offset)),
      repeated(
        bits - 1,
        sequence(
          set(children, i32.sub(i32.shl(model, 1), start)),
          set(ifZero, i64.load16U(children, offset)),
          set(ifOne, i64.load16U(children, offset + 2)),
          this.branchlessBit(model, offset),
          set(model, this.childOf(start)),
          set(p, i64.add(ifOne, i64.and(i64.sub(ifZero, ifOne), mask))),
        ),
      ),
      this.branchlessBit(model, offset),
      set(symbol, i32.sub(i32.shrU(i32.sub(this.childOf(start), start), 1), 1 << bits)),
    );
  }

  private childOf(start: Local): Code {
    const { model, mask } = this;
    const children = i32.sub(i32.shl(model, 1), start);
    return i32.add(i32.add(children, 2), i32.shl(i32.wrap(mask), 1));
  }

  /** Decodes a bit with the probability in `probability`, of the model at `model + offset`, into `mask`. */
  branchlessBit(model: Local, offset: number): Code {
    const { range, code, probability: p, bound, mask } = this;
    return sequence(
      this.normalize(),
      set(bound, i64.mul(i64.shrU(range, PROBABILITY_BITS), p)),
      set(range, i64.sub(range, bound)),
      set(mask, i64.shrS(tee(code, i64.sub(code, bound)), 63)),
      // p + ((2048 - p) >> 5) for the bit 0, p - (p >> 5) for the bit 1.
      i64.store16(
        model,
        offset,
        i64.sub(
          p,
          i64.shrS(i64.add(p, i64.and(mask, (1 << MOVE_BITS) - 1 - (1 << PROBABILITY_BITS))), MOVE_BITS),
        ),
      ),
      set(range, i64.add(range, i64.and(i64.sub(bound, range), mask))),
      set(code, i64.add(code, i64.and(bound, mask))),
    );
  }

  /**
   * One bit of a tree whose bits come least significant first: adds it to `value` in the place of `step`. `model`
   * is the model's address less `offset`, of the tree that starts at `start`; it becomes that of the next.
   */
  reverseBit(start: Local, offset: number, value: Local, step: Operand): Code {
    const { probability: p, mask, model } = this;
    return sequence(
      set(p, i64.load16U(model, offset)),
      this.branchlessBit(model, offset),
      set(model, this.childOf(start)),
      set(value, i32.add(value, i32.and(step, i32.xor(i32.wrap(mask), -1)))),
    );
  }

  /** The first model of a tree at `start`: index 1. */
  root(start: Local): Code {
    return set(this.model, i32.add(start, 2));
  }

  /** Appends a bit to `value` that has no model. */
  directBit(value: Local): Code {
    const { range, code, mask } = this;
    return sequence(
      this.normalize(),
      set(range, i64.shrU(range, 1)),
      set(mask, i64.shrS(tee(code, i64.sub(code, range)), 63)),
      set(code, i64.add(code, i64.and(range, mask))),
      set(value, i32.add(i32.add(i32.shl(value, 1), 1), i32.wrap(mask))),
    );
  }

  /**
   * A literal after a match, eight bits: `matchByte` is what the match would have gone on with, and steers the
   * models until the first bit that differs.
   */
  matchedTree(symbol: Local, base: Local, offset: number, matchByte: Local, steered: Local): Code {
    const { probability: p, mask, model } = this;
    const matchBit = this.children;
    const bit = sequence(
      set(matchByte, i32.shl(matchByte, 1)),
      set(matchBit, i32.and(matchByte, steered)),
      set(model, i32.add(base, i32.shl(i32.add(i32.add(steered, matchBit), symbol), 1))),
      set(p, i64.load16U(model, offset)),
      this.branchlessBit(model, offset),
      set(symbol, i32.add(i32.add(i32.shl(symbol, 1), 1), i32.wrap(mask))),
      set(steered, i32.and(steered, i32.xor(matchBit, i32.wrap(mask)))),
    );
    return sequence(set(symbol, 1), set(steered, 0x100), repeated(8, bit));
  }
}
