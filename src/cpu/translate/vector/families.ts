import type { Insn } from '../../decode/instruction.js';
import type { Translator } from '../translator.js';
import * as compare from './compare.js';
import * as crypto from './crypto.js';
import * as float from './float.js';
import * as lanes from './lanes.js';
import * as lanewise from './lanewise.js';
import * as moves from './moves.js';
import { type Half, localOf } from './operands.js';
import * as shifts from './shifts.js';
import * as shuffles from './shuffles.js';

type Handler = (t: Translator, insn: Insn) => void;

const handlers = new Map<string, Handler>();
const define = (ops: string | readonly string[], handler: Handler): void => {
  for (const op of typeof ops === 'string' ? ops.split(' ') : ops) handlers.set(op, handler);
};

define('movups movupd movaps movapd movdqa movdqu lddqu movntdqa movntdq movntps movntpd', moves.move);
define('movd', moves.moveGeneral);
define('movq', moves.moveQuad);
define('movss movsd', moves.moveScalar);
define('movlps movlpd movhps movhpd movhlps movlhps', moves.moveHalf);
define('zeroupper zeroall', moves.zero);
define('pinsrb pinsrw pinsrd', moves.insert);
define('pextrb pextrw pextrd extractps', moves.extract);
define('insertps', moves.insertElement);
define('pmovmskb movmskps movmskpd', moves.signMask);
define(moves.BROADCASTS, moves.broadcast);
define('broadcasti128 broadcastf128', moves.broadcastHalf);

define(lanewise.SIMPLE, lanewise.same);
define('pandn andnps andnpd', lanewise.andNot);
define('pabsb pabsw pabsd', lanewise.absolute);
define('pmulhw pmulhuw', lanewise.multiplyHigh);
define('pmuludq pmuldq', lanewise.multiplyEven);
define('pmulhrsw', lanewise.multiplyRounded);
define('pmaddubsw', lanewise.multiplyAddBytes);
define('psadbw', lanewise.sumDifferences);
define('psignb psignw psignd', lanewise.sign);
define(lanewise.HORIZONTAL_OPS, lanewise.horizontal);

define(shifts.SHIFT_OPS, shifts.shift);
define('psrldq pslldq', shifts.shiftBytes);
define('psrlvd psrlvq psravd psllvd psllvq', shifts.shiftEach);

define(shuffles.SHUFFLES_OF_ONE, shuffles.shuffleOne);
define(shuffles.INTERLEAVES, shuffles.shuffleTwo);
define('shufps pblendw', shuffles.shuffleTwo);
define('shufpd blendpd permilpd', shuffles.shufflePairs);
define('pblendd blendps', shuffles.blendDwords);
define('palignr', shuffles.alignRight);
define('pshufb', shuffles.shuffleBytes);
define('pblendvb blendvps blendvpd', (t, insn) =>
  shuffles.blendBySign(t, insn, (half: Half) => localOf(t, insn.d!, half)),
);

define('inserti128 insertf128', lanes.insertHalf);
define('extracti128 extractf128', lanes.extractHalf);
define('perm2i128 perm2f128', lanes.permuteHalves);
define('permq permpd', lanes.permuteQuads);
define('permd permps', lanes.permuteDwords);
for (const extension of ['sx', 'zx'])
  define(
    'bw bd bq wd wq dq'.split(' ').map((step) => `pmov${extension}${step}`),
    lanes.extend,
  );

define('ptest', compare.test);
define('comiss comisd ucomiss ucomisd', compare.compareScalar);

define('aesenc aesenclast aesdec aesdeclast sha256msg1 sha256msg2 sha1msg2', crypto.helperOfTwo);
define('aesimc', crypto.aesInverseMix);
define('aeskeygenassist', crypto.aesKeyAssist);
define('pclmulqdq', crypto.carrylessMultiply);
define('sha256rnds2', crypto.sha256Rounds);
define('sha1rnds4', crypto.sha1Rounds);
define('sha1nexte', crypto.sha1NextE);
define('sha1msg1', crypto.sha1Message);

define(float.ARITHMETIC_OPS, float.arithmetic);
define('sqrtps sqrtpd sqrtss sqrtsd', float.squareRoot);
define('roundps roundpd roundss roundsd', float.round);
define('addsubps addsubpd', float.addSubtract);
define('cmpps cmppd cmpss cmpsd', float.compare);
define('cvtsi2ss cvtsi2sd', float.fromInteger);
define('cvttss2si cvttsd2si cvtss2si cvtsd2si', float.toInteger);
define(
  'cvtdq2ps cvttps2dq cvtps2dq cvtss2sd cvtsd2ss cvtps2pd cvtdq2pd cvtpd2ps cvttpd2dq cvtpd2dq',
  float.convert,
);

/** Translates an instruction that has a `vector` form. */
export function translateVector(t: Translator, insn: Insn): void {
  const handler = handlers.get(insn.op);
  if (!handler) throw new Error(`no translation for ${insn.op}`);
  handler(t, insn);
}

/** Whether there is a translation; for the check that the decoder's table has no other. */
export const isTranslated = (op: string): boolean => handlers.has(op);
