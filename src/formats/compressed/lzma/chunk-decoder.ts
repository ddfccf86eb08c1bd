import {
  block,
  branch,
  branchIf,
  type Code,
  FunctionBuilder,
  giveBack,
  i32,
  i64,
  type Label,
  type Local,
  loop,
  select,
  sequence,
  set,
  when,
} from './assembler.js';
import * as at from './models.js';
import { RangeCoder } from './range-coder.js';

/** What decoding a chunk gives: why it stopped. */
const DONE = 0;
export const INPUT_ENDS_EARLY = 1;
export const DISTANCE_TOO_FAR = 2;
export const MATCH_TOO_LONG = 3;
export const INPUT_LEFT = 4;

class ChunkDecoder {
  readonly f = new FunctionBuilder('decode', ['i32', 'i32', 'i32', 'i32'], 'i32');
  /** Where the dictionary starts, the output goes on and ends, and where the chunk's input ends. */
  private readonly dictStart = this.f.parameter(0);
  private readonly pos = this.f.parameter(1);
  private readonly end = this.f.parameter(2);
  private readonly inputEnd = this.f.parameter(3);
  private readonly input = this.f.local('i32');
  private readonly rc = new RangeCoder(this.f, this.input);
  private readonly state = this.f.local('i32');
  private readonly rep0 = this.f.local('i32');
  private readonly rep1 = this.f.local('i32');
  private readonly rep2 = this.f.local('i32');
  private readonly rep3 = this.f.local('i32');
  private readonly previous = this.f.local('i32');
  private readonly posState = this.f.local('i32');
  private readonly symbol = this.f.local('i32');
  private readonly base = this.f.local('i32');
  private readonly length = this.f.local('i32');
  private readonly lengthModels = this.f.local('i32');
  private readonly from = this.f.local('i32');
  private readonly scratch = this.f.local('i32');
  private readonly scratch2 = this.f.local('i32');

  code(): Code {
    const { rc, input, pos, dictStart } = this;
    return sequence(
      ...this.kept().map(([local, address]) => set(local, i32.load(0, address))),
      set(input, at.INPUT + 5),
      set(rc.range, i64.extendU(-1)),
      ...[1, 2, 3, 4].map((i) => set(rc.code, i64.or(i64.shl(rc.code, 8), i64.load8U(0, at.INPUT + i)))),
      when(i32.gtU(pos, dictStart), set(this.previous, i32.load8U(i32.sub(pos, 1)))),
      block((done) => loop((next) => this.decodeSymbol(next, done))),
      ...this.kept().map(([local, address]) => i32.store(0, address, local)),
      rc.normalize(),
      giveBack(select(i32.or(i32.ne(input, this.inputEnd), i32.wrap(rc.code)), INPUT_LEFT, DONE), 'i32'),
    );
  }

  private kept(): [Local, number][] {
    return [
      [this.state, at.STATE],
      [this.rep0, at.REP0],
      [this.rep1, at.REP1],
      [this.rep2, at.REP2],
      [this.rep3, at.REP3],
    ];
  }

  private decodeSymbol(next: Label, done: Label): Code {
    const { rc, pos, state, posState } = this;
    return sequence(
      branchIf(done, i32.geU(pos, this.end)),
      when(i32.gtU(this.input, this.inputEnd), giveBack(INPUT_ENDS_EARLY, 'i32')),
      set(posState, i32.and(i32.sub(pos, this.dictStart), i32.load(0, at.POS_MASK))),
      rc.bit(
        i32.add(i32.shl(state, 5), i32.shl(posState, 1)),
        at.IS_MATCH,
        sequence(this.literal(), branch(next)),
        sequence(),
      ),
      rc.bit(i32.shl(state, 1), at.IS_REP, this.simpleMatch(), this.repeat(next)),
      this.decodeLength(),
      when(
        i32.eq(this.lengthModels, at.MATCH_LENGTH),
        sequence(this.distance(), set(state, select(i32.ltU(state, at.LIT_STATES), 7, 10))),
        set(state, select(i32.ltU(state, at.LIT_STATES), 8, 11)),
      ),
      this.checkDistance(),
      when(i32.gtU(this.length, i32.sub(this.end, pos)), giveBack(MATCH_TOO_LONG, 'i32')),
      this.copy(),
      branch(next),
    );
  }

  private literal(): Code {
    const { rc, pos, state, symbol, base, previous, scratch, scratch2 } = this;
    const context = i32.add(
      i32.shl(
        i32.and(i32.sub(pos, this.dictStart), i32.load(0, at.LITERAL_POS_MASK)),
        i32.load(0, at.LITERAL_CONTEXT_BITS),
      ),
      i32.shrU(previous, i32.sub(8, i32.load(0, at.LITERAL_CONTEXT_BITS))),
    );
    return sequence(
      set(base, i32.mul(context, at.LITERAL_MODELS * 2)),
      when(
        i32.ltU(state, at.LIT_STATES),
        rc.tree(symbol, base, at.LITERAL, 8),
        sequence(
          set(scratch, i32.load8U(i32.sub(i32.sub(pos, this.rep0), 1))),
          rc.matchedTree(symbol, base, at.LITERAL, scratch, scratch2),
          set(symbol, i32.and(symbol, 0xff)),
        ),
      ),
      i32.store8(pos, 0, symbol),
      set(previous, symbol),
      set(pos, i32.add(pos, 1)),
      set(state, i32.sub(state, select(i32.ltU(state, 10), select(i32.ltU(state, 4), state, 3), 6))),
    );
  }

  private simpleMatch(): Code {
    return sequence(
      set(this.rep3, this.rep2),
      set(this.rep2, this.rep1),
      set(this.rep1, this.rep0),
      set(this.lengthModels, at.MATCH_LENGTH),
    );
  }

  /** A match at one of the last four distances; one of a single byte is done at once. */
  private repeat(next: Label): Code {
    const { rc, state, posState, rep0, rep1, rep2, rep3, scratch } = this;
    const byState = i32.shl(state, 1);
    return sequence(
      set(this.lengthModels, at.REP_LENGTH),
      rc.bit(
        byState,
        at.IS_REP0,
        rc.bit(
          i32.add(i32.shl(state, 5), i32.shl(posState, 1)),
          at.IS_REP0_LONG,
          sequence(this.shortRepeat(), branch(next)),
          sequence(),
        ),
        sequence(
          rc.bit(
            byState,
            at.IS_REP1,
            set(scratch, rep1),
            sequence(
              rc.bit(byState, at.IS_REP2, set(scratch, rep2), sequence(set(scratch, rep3), set(rep3, rep2))),
              set(rep2, rep1),
            ),
          ),
          set(rep1, rep0),
          set(rep0, scratch),
        ),
      ),
    );
  }

  private shortRepeat(): Code {
    const { pos, state, previous } = this;
    return sequence(
      this.checkDistance(),
      set(previous, i32.load8U(i32.sub(i32.sub(pos, this.rep0), 1))),
      i32.store8(pos, 0, previous),
      set(pos, i32.add(pos, 1)),
      set(state, select(i32.ltU(state, at.LIT_STATES), 9, 11)),
    );
  }

  private checkDistance(): Code {
    return when(i32.geU(this.rep0, i32.sub(this.pos, this.dictStart)), giveBack(DISTANCE_TOO_FAR, 'i32'));
  }

  private decodeLength(): Code {
    const { rc, length, lengthModels, base, posState, symbol } = this;
    const tree = i32.add(lengthModels, i32.shl(posState, 4));
    return block((decoded) =>
      sequence(
        rc.bit(
          lengthModels,
          at.CHOICE,
          sequence(set(base, i32.add(tree, at.LENGTH_LOW)), set(length, at.MATCH_MIN)),
          rc.bit(
            lengthModels,
            at.CHOICE2,
            sequence(set(base, i32.add(tree, at.LENGTH_MID)), set(length, at.MATCH_MIN + 8)),
            sequence(
              rc.tree(symbol, i32.add(lengthModels, at.LENGTH_HIGH), 0, 8),
              set(length, i32.add(symbol, at.MATCH_MIN + 16)),
              branch(decoded),
            ),
          ),
        ),
        rc.tree(symbol, base, 0, 3),
        set(length, i32.add(length, symbol)),
      ),
    );
  }

  private distance(): Code {
    const { rc, length, symbol, rep0, base, scratch, scratch2 } = this;
    const lengthState = select(i32.ltU(length, at.MATCH_MIN + 3), i32.sub(length, at.MATCH_MIN), 3);
    const slot = base;
    const bits = i32.sub(i32.shrU(slot, 1), 1);
    const high = i32.or(i32.and(slot, 1), 2);
    const special = sequence(
      set(scratch, bits),
      set(rep0, i32.shl(high, scratch)),
      // The tree of this slot: index base - slot.
      set(symbol, i32.add(i32.shl(i32.sub(rep0, slot), 1), at.DIST_SPECIAL)),
      rc.root(symbol),
      set(scratch2, 1),
      set(scratch, i32.shl(1, scratch)),
      loop((again) =>
        sequence(
          rc.reverseBit(symbol, 0, rep0, scratch2),
          set(scratch2, i32.shl(scratch2, 1)),
          branchIf(again, i32.ltU(scratch2, scratch)),
        ),
      ),
    );
    const long = sequence(
      set(scratch, i32.sub(bits, at.ALIGN_BITS)),
      set(rep0, high),
      loop((again) =>
        sequence(rc.directBit(rep0), set(scratch, i32.sub(scratch, 1)), branchIf(again, scratch)),
      ),
      set(rep0, i32.shl(rep0, at.ALIGN_BITS)),
      set(symbol, at.DIST_ALIGN),
      rc.root(symbol),
      ...[1, 2, 4, 8].map((step) => rc.reverseBit(symbol, 0, rep0, step)),
    );
    return sequence(
      rc.tree(symbol, i32.shl(lengthState, 7), at.DIST_SLOT, 6),
      set(slot, symbol),
      when(i32.ltU(slot, 4), set(rep0, slot), when(i32.ltU(slot, at.END_POS_MODEL), special, long)),
    );
  }

  /** Eight bytes at a time, and up to OUTPUT_SLACK bytes too many: those are written again later. */
  private copy(): Code {
    const { pos, length, from, rep0, scratch, previous } = this;
    const end = length;
    const distance = scratch;
    const copy8 = i64.store(pos, 0, i64.load(from));
    return sequence(
      set(distance, i32.add(rep0, 1)),
      set(from, i32.sub(pos, distance)),
      set(end, i32.add(pos, length)),
      when(
        i32.ltU(distance, 8),
        // What overlaps repeats: as far as it is written, it is a pattern of twice the distance.
        loop((again) =>
          sequence(
            copy8,
            set(pos, i32.add(pos, distance)),
            set(distance, i32.shl(distance, 1)),
            branchIf(again, i32.ltU(distance, 8)),
          ),
        ),
      ),
      block((copied) =>
        loop((again) =>
          sequence(
            branchIf(copied, i32.geU(pos, end)),
            copy8,
            set(pos, i32.add(pos, 8)),
            set(from, i32.add(from, 8)),
            branch(again),
          ),
        ),
      ),
      set(pos, end),
      set(previous, i32.load8U(i32.sub(pos, 1))),
    );
  }
}

/** `decode(dictStart, pos, end, inputEnd)`: see ChunkDecoder. */
export function decodeFunction(): [FunctionBuilder, Code] {
  const decoder = new ChunkDecoder();
  return [decoder.f, decoder.code()];
}
