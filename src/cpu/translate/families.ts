import type { Insn } from '../decode/instruction.js';
import * as arithmetic from './arithmetic.js';
import * as bits from './bits.js';
import * as moves from './moves.js';
import * as multiply from './multiply.js';
import * as shifts from './shifts.js';
import { moveString } from './strings.js';
import type { Translator } from './translator.js';
import { crc32 } from './vector/crypto.js';
import { translateVector } from './vector/families.js';

type Handler = (t: Translator, insn: Insn) => void;

const handlers = new Map<string, Handler>();
const define = (ops: string, handler: Handler): void => {
  for (const op of ops.split(' ')) handlers.set(op, handler);
};

define('add sub cmp and or xor test', arithmetic.binary);
define('adc sbb', arithmetic.withCarry);
define('inc dec neg not', arithmetic.unary);
define('adcx adox', arithmetic.addWithFlag);
define('xadd', arithmetic.exchangeAdd);
define('cmpxchg', arithmetic.compareExchange);
define('mov', moves.mov);
define('movzx movsx', moves.movExtend);
define('movbe', moves.movbe);
define('lea', moves.lea);
define('xchg', moves.xchg);
define('bswap', moves.bswap);
define('cmovcc', moves.cmov);
define('setcc', moves.setcc);
define('cwd', moves.cwd);
define('push', moves.push);
define('pop', moves.pop);
define('leave', moves.leave);
define('lahf', moves.lahf);
define('sahf', moves.sahf);
define('clc stc cmc', moves.carry);
define('shl shr sar rol ror', shifts.shift);
define('shld shrd', shifts.doubleShift);
define('mul imul1', multiply.multiply);
define('imul', multiply.signedMultiply);
define('mulx', multiply.mulx);
define('div idiv', multiply.divide);
define('bt bts btr btc', bits.bitTest);
define('bsf bsr', bits.bitScan);
define('tzcnt lzcnt', bits.countZeros);
define('popcnt', bits.popcnt);
define('andn', bits.andn);
define('blsr blsmsk blsi', bits.lowestBit);
define('bextr', bits.bextr);
define('bzhi', bits.bzhi);
define('rorx shlx sarx shrx', bits.shiftWithoutFlags);
define('movs stos', moveString);
define('crc32', crc32);
define('nop', () => undefined);

/** Translates one instruction that is neither a branch nor left to the slow path. */
export function translateInsn(t: Translator, insn: Insn): void {
  if (insn.vector) {
    translateVector(t, insn);
    return;
  }
  const handler = handlers.get(insn.op);
  if (!handler) throw new Error(`no translation for ${insn.op}`);
  handler(t, insn);
}
