import {
  branchIf,
  type Code,
  FunctionBuilder,
  giveBack,
  i32,
  i64,
  loop,
  type Operand,
  sequence,
  set,
  tee,
  when,
  whileTrue,
} from './assembler.js';

/** Bytes per step, and tables: entry n of table t is what byte n does t bytes further on. */
const STEP = 16;

/** A CRC in the making: where its tables are and what they consist of. */
interface CrcTables {
  readonly address: number;
  /** log2 of an entry's size in bytes. */
  readonly entryShift: 2 | 3;
}

/**
 * `NAME(crc, from, end)`: the reflected CRC of the bytes at `from` up to `end`, going on from `crc`, without the
 * inversions before and after ("slicing by 16").
 */
export function crcFunction(name: string, tables: CrcTables): [FunctionBuilder, Code] {
  const f = new FunctionBuilder(name, ['i64', 'i32', 'i32'], 'i64');
  const crc = f.parameter(0);
  const from = f.parameter(1);
  const end = f.parameter(2);
  const low = f.local('i64');
  const high = f.local('i64');
  const sliced = Array.from({ length: STEP }, (_, i) =>
    entry(tables, STEP - 1 - i, i < 8 ? low : high, i % 8),
  );
  return [
    f,
    sequence(
      whileTrue(
        i32.geU(i32.sub(end, from), STEP),
        sequence(
          set(low, i64.xor(i64.load(from), crc)),
          set(high, i64.load(from, 8)),
          set(crc, xorAll(sliced)),
          set(from, i32.add(from, STEP)),
        ),
      ),
      whileTrue(
        i32.ltU(from, end),
        sequence(
          set(crc, i64.xor(i64.shrU(crc, 8), entry(tables, 0, i64.xor(crc, i64.load8U(from))))),
          set(from, i32.add(from, 1)),
        ),
      ),
      giveBack(crc, 'i64'),
    ),
  ];
}

/** `NAME(polynomial)`: fills in the tables; the polynomial is a reflected one. */
export function tablesFunction(name: string, tables: CrcTables): [FunctionBuilder, Code] {
  const f = new FunctionBuilder(name, ['i64'], 'i64');
  const polynomial = f.parameter(0);
  const index = f.local('i32');
  const bits = f.local('i32');
  const crc = f.local('i64');
  const address = i32.add(i32.shl(index, tables.entryShift), tables.address);
  const store = tables.entryShift === 2 ? i64.store32 : i64.store;
  const before = loadEntry(tables, i32.sub(address, 256 << tables.entryShift), 0);
  const firstTable = sequence(
    set(crc, i64.extendU(index)),
    set(bits, 8),
    loop((again) =>
      sequence(
        set(crc, i64.xor(i64.shrU(crc, 1), i64.and(polynomial, i64.sub(0, i64.and(crc, 1))))),
        branchIf(again, tee(bits, i32.sub(bits, 1))),
      ),
    ),
  );
  const otherTables = sequence(set(crc, before), set(crc, i64.xor(i64.shrU(crc, 8), entry(tables, 0, crc))));
  return [
    f,
    sequence(
      whileTrue(
        i32.ltU(index, STEP * 256),
        sequence(
          when(i32.ltU(index, 256), firstTable, otherTables),
          store(address, 0, crc),
          set(index, i32.add(index, 1)),
        ),
      ),
      giveBack(0, 'i64'),
    ),
  ];
}

/** In pairs, and pairs of pairs: what depends on the CRC so far waits for few of the others. */
function xorAll(parts: readonly Code[]): Code {
  if (parts.length === 1) return parts[0];
  const half = parts.length / 2;
  return i64.xor(xorAll(parts.slice(0, half)), xorAll(parts.slice(half)));
}

/** What table `number` has for byte `byte` of a value. The byte is moved to where it is an offset at once. */
function entry(tables: CrcTables, number: number, value: Operand, byte = 0): Code {
  const shift = byte * 8 - tables.entryShift;
  const moved = shift < 0 ? i64.shl(value, -shift) : i64.shrU(value, shift);
  const offset = i32.and(i32.wrap(moved), 0xff << tables.entryShift);
  return loadEntry(tables, offset, tables.address + ((number * 256) << tables.entryShift));
}

function loadEntry(tables: CrcTables, address: Operand, offset: number): Code {
  return tables.entryShift === 2 ? i64.load32U(address, offset) : i64.load(address, offset);
}
