import { allVectorRows, type VectorRow } from '../decode/vector-table.js';
import { CASE_DATA, CASE_DATA_SIZE, CASE_RBX, CASE_RSP, type Case } from './cases.js';
import { Random } from './random.js';

const VECTOR_BYTES = 512;

/** A way to write an instruction: a row of the decoder's table, or an assembler template of operand codes. */
interface Form {
  readonly name: string;
  readonly operands: readonly string[];
  readonly vex: boolean;
  readonly size: 16 | 32;
}

/** What the decoder treats apart from its table. */
const OTHERS = `
  psrlw H U I|psraw H U I|psllw H U I|psrld H U I|psrad H U I|pslld H U I|psrlq H U I|psllq H U I|psrldq H U I
  pslldq H U I|movss V Md 128|movss Md V 128|movss V H U 128|movsd V Mq 128|movsd Mq V 128|movsd V H U 128
  movlps V H Mq 128|movhps V H Mq 128|movhlps V H U 128|movlhps V H U 128|movddup V Wq 128|movddup V W 256
  zeroupper 128 vex|zeroall 128 vex`;

function formsOf(
  name: string,
  operands: readonly string[],
  row: Pick<VectorRow, 'encoding' | 'length' | 'scalar'>,
): Form[] {
  const forms: Form[] = [];
  if (row.encoding !== 'vex' && row.length !== 256) forms.push({ name, operands, vex: false, size: 16 });
  if (row.encoding === 'sse') return forms;
  if (row.length !== 256) forms.push({ name, operands, vex: true, size: 16 });
  if (row.length !== 128 && !row.scalar) forms.push({ name, operands, vex: true, size: 32 });
  return forms;
}

function allForms(): Form[] {
  const forms = allVectorRows().flatMap((row) => formsOf(row.name, row.operands, row));
  for (const text of OTHERS.trim().split(/[|\n]/)) {
    const [name, ...rest] = text.trim().split(' ');
    const length = rest.includes('128') ? 128 : rest.includes('256') ? 256 : undefined;
    const operands = rest.filter((word) => /^[A-Z]/.test(word));
    forms.push(
      ...formsOf(name, operands, { encoding: rest.includes('vex') ? 'vex' : 'both', length, scalar: false }),
    );
  }
  return forms;
}

const POINTER: Readonly<Record<number, string>> = {
  1: 'byte',
  2: 'word',
  4: 'dword',
  8: 'qword',
  16: 'xmmword',
  32: 'ymmword',
};
const GENERAL = {
  4: 'eax ecx edx ebp edi r8d r9d r15d'.split(' '),
  8: 'rax rcx rdx rbp rdi r8 r9 r15'.split(' '),
};
const BYTES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8, x: 16 };
const SHARES: Readonly<Record<string, number>> = { '': 1, h: 2, f: 4, e: 8 };

const isFloat = (name: string): boolean => /[ps][sd]$|^cvt|ss2|sd2/.test(name) && !/^(p|movnt)/.test(name);
/** Floating-point instructions whose result for NaN and zero operands depends on the host's processor. */
const isArithmetic = (name: string): boolean =>
  /^(add|sub|mul|div|sqrt|dpp|fn?m|hadd|hsub|round|cvtss2sd|cvtsd2ss|cvtps2pd|cvtpd2ps)/.test(name);

class Generator {
  private wide = false;
  constructor(
    readonly r: Random,
    readonly form: Form,
  ) {}

  private vector(size: number): string {
    return `${size === 32 ? 'ymm' : 'xmm'}${this.r.chance(60) ? this.r.below(5) : this.r.below(16)}`;
  }

  private memory(bytes: number): string {
    const { r } = this;
    const step = r.chance(15) ? 1 : Math.min(bytes, 32);
    const offset = r.below(Math.floor((256 - bytes) / step) + 1) * step - 128;
    const index = r.chance(20) ? '+rsi' : '';
    return `${POINTER[bytes]} ptr [rbx${index}${offset < 0 ? '' : '+'}${offset}]`;
  }

  private operand(code: string, destination: string): string {
    const { r, form } = this;
    const suffix = code.slice(1);
    const bytes = suffix === 'y' ? (this.wide ? 8 : 4) : (BYTES[suffix] ?? form.size / SHARES[suffix]);
    const register = (): string => this.vector(bytes === 32 ? 32 : 16);
    switch (code[0]) {
      case 'V':
        return this.vector(form.size);
      case 'X':
        return this.vector(16);
      case 'H':
        return form.vex ? this.vector(form.size) : destination;
      case 'W':
        return r.chance(50) ? this.memory(bytes) : register();
      case 'U':
        return register();
      case 'M':
        return this.memory(bytes);
      case 'G':
        return r.pick(GENERAL[suffix === 'y' && this.wide ? 8 : 4]);
      case 'E':
        return r.chance(50) ? this.memory(bytes) : r.pick(GENERAL[bytes === 8 ? 8 : 4]);
      case 'I':
        return String(r.chance(50) ? r.below(256) : r.below(20));
      default:
        return this.vector(form.size);
    }
  }

  text(): string {
    const { form, r } = this;
    this.wide = form.operands.some((code) => code.endsWith('y')) && r.chance(50);
    let { name } = form;
    const operands: string[] = [];
    for (const code of form.operands) operands.push(this.operand(code, operands[0]));
    // The destination is named only once without VEX.
    if (!form.vex) {
      const again = form.operands.indexOf('H');
      if (again > 0) operands.splice(again, 1);
    }
    if (!form.vex && (name.startsWith('pblendvb') || name.startsWith('blendv') || name === 'sha256rnds2'))
      operands.push('xmm0');
    if (this.wide) name = name.replace(/^(movd|pextrd|pinsrd)$/, (op) => `${op.slice(0, -1)}q`);
    if (form.operands[0] === 'H' && !form.vex) operands.splice(0, 1);
    if (/^cmp[ps][sd]$/.test(name)) operands[operands.length - 1] = String(r.below(form.vex ? 32 : 8));
    return `${form.vex ? 'v' : ''}${name} ${operands.join(', ')}`;
  }
}

const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

function fill(r: Random, bytes: Uint8Array, name: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    if (isFloat(name)) {
      const plain = (r.below(2_000_001) - 1_000_000) / 64 + 1 / 128;
      const value = isArithmetic(name)
        ? Math.abs(plain) * (/^(sqrt)/.test(name) || r.chance(60) ? 1 : -1)
        : r.pick([plain, plain * 2 ** 40, 0, -0, Number.POSITIVE_INFINITY, Number.NaN, 1, -1.5, 2.5]);
      if (/s[sd]?2pd|ps$|ss$|ps2|ss2/.test(name) && !/pd2ps|sd2ss/.test(name)) {
        view.setFloat32(at, value, true);
        view.setFloat32(at + 4, value / 3, true);
      } else view.setFloat64(at, value, true);
      continue;
    }
    for (const half of [0, 4])
      view.setUint32(
        at + half,
        r.chance(60) ? r.u32() : r.pick(EDGES) ^ (r.chance(20) ? 0x8000_8000 : 0),
        true,
      );
    // Counts of shifts are small numbers.
    if (/^ps[rl]/.test(name) && r.chance(50)) {
      view.setUint32(at, r.below(70), true);
      view.setUint32(at + 4, r.chance(50) ? 0 : r.below(70), true);
    }
  }
}

/** `each` cases for every form of every vector instruction. */
export function makeVectorCases(seed: number, each: number): Case[] {
  const r = new Random(seed);
  return allForms().flatMap((form) =>
    Array.from({ length: each }, (): Case => {
      const source = new Generator(r, form).text();
      const vectors = new Uint8Array(VECTOR_BYTES);
      const data = new Uint8Array(CASE_DATA_SIZE);
      fill(r, vectors, form.name);
      fill(r, data, form.name);
      const regs = Array.from({ length: 16 }, () => r.value());
      regs[3] = CASE_RBX;
      regs[4] = CASE_RSP;
      regs[6] = r.chance(50) ? 0n : 16n;
      if (form.name === 'maskmovdqu') regs[7] = CASE_DATA + BigInt(r.below(200));
      // The last 56 bytes of data are the stack that flags are pushed to.
      return { source, regs, flags: 0x202, data, vectors, undefinedFlags: 0 };
    }),
  );
}
