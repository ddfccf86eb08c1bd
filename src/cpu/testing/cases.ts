import { AF, CF, OF, PF, SF, ZF } from '../decode/effects.js';
import { Random } from './random.js';

/** Where code, data and stack of a case lie: addresses that exist natively and in modbox (region USER). */
export const CASE_CODE = 0x7ffe_f010_0000n;
export const CASE_DATA = 0x7ffe_f001_0000n;
export const CASE_DATA_SIZE = 256;
/** RBX of every case, in the middle of the data. */
export const CASE_RBX = CASE_DATA + 128n;
export const CASE_RSP = CASE_DATA + 200n;

/** One sequence of instructions with its inputs. */
export interface Case {
  readonly source: string;
  /** 16 registers. RBX and RSP point into the data. */
  readonly regs: readonly bigint[];
  readonly flags: number;
  readonly data: Uint8Array;
  /** YMM0 to YMM15, where the case has vector instructions. */
  readonly vectors?: Uint8Array;
  /** Flags that the manual leaves undefined. */
  undefinedFlags: number;
}

const ALL = CF | PF | AF | ZF | SF | OF;
const NAMES: Record<number, readonly string[]> = {
  8: 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' '),
  4: 'eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d'.split(' '),
  2: 'ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w'.split(' '),
  1: 'al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b'.split(' '),
};
const HIGH = ['ah', 'ch', 'dh', 'bh'];
const PTR: Record<number, string> = { 1: 'byte', 2: 'word', 4: 'dword', 8: 'qword' };
const CONDITIONS = 'o no b ae e ne be a s ns p np l ge le g'.split(' ');
const SIZES = [1, 2, 4, 8];
const WIDE = [2, 4, 8];

class Generator {
  readonly regs: bigint[];
  flags: number;
  constructor(readonly r: Random) {
    this.regs = Array.from({ length: 16 }, () => r.value());
    this.regs[3] = CASE_RBX;
    this.regs[4] = CASE_RSP;
    this.regs[6] = BigInt.asUintN(64, BigInt(r.below(12) - 4));
    this.flags = 0x202 | (r.u32() & ALL);
  }

  reg(size: number): string {
    const { r } = this;
    if (size === 1 && r.chance(25)) return r.pick(HIGH);
    let index = r.below(16);
    if (index === 3 || index === 4 || index === 6) index = r.pick([0, 1, 2, 7, 8, 15]);
    return NAMES[size][index];
  }

  mem(size: number): string {
    const where = this.r.pick([
      'rbx',
      'rbx+8',
      'rbx-24',
      'rbx+rsi',
      'rbx+rsi*2+5',
      'rbx+rsi*4',
      'rbx+rsi*8-8',
      'rbx-0x1000+0x1004',
      'rsp+8',
      'rsp+rsi*4',
      'ebx+rsi'.replace('ebx+rsi', 'rsi+rbx+3'),
    ]);
    return `${PTR[size]} ptr [${where}]`;
  }

  rm(size: number): string {
    return this.r.chance(40) ? this.mem(size) : this.reg(size);
  }

  /** Two operands that can be encoded together: no high byte with REX, at most one in memory. */
  pair(size: number): [string, string] {
    for (;;) {
      const a = this.rm(size);
      const b = a.includes('[') || this.r.chance(70) ? this.reg(size) : this.mem(size);
      if (encodable(a, b)) return [a, b];
    }
  }

  imm(size: number): string {
    const { r } = this;
    if (size === 1 || r.chance(50)) return String(r.below(256) - 128);
    if (size === 2) return String(r.below(65536) - 32768);
    return String((r.u32() | 0) >> r.below(31));
  }
}

function encodable(a: string, b: string): boolean {
  const high = (text: string): boolean => HIGH.includes(text);
  const rex = (text: string): boolean => /r\d|sil|dil|spl|bpl|r[a-z]{2}$/.test(text);
  return !(high(a) && rex(b)) && !(high(b) && rex(a));
}

type Make = (g: Generator) => { text: string; undef?: number; pre?: (g: Generator) => void };

const sized =
  (sizes: readonly number[], make: (g: Generator, size: number) => string, undef = 0): Make =>
  (g) => ({ text: make(g, g.r.pick(sizes)), undef });

function shiftMake(op: string): Make {
  return (g) => {
    const size = g.r.pick(SIZES);
    const bits = size * 8;
    const byCl = g.r.chance(50);
    const rotates = op.startsWith('r');
    let raw = g.r.chance(40) ? g.r.pick([0, 1, bits - 1, bits, 31, 32, 33, 63, 64]) : g.r.below(70);
    const mask = size === 8 ? 63 : 31;
    if (byCl) g.regs[1] = (g.regs[1] & ~0xffn) | BigInt(raw);
    else raw &= 0xff;
    const count = raw & mask;
    let undef = rotates ? 0 : count ? AF : 0;
    if (count > 1) undef |= OF;
    if (!rotates && op !== 'sar' && count >= bits) undef |= CF;
    if (size < 4 && rotates && count % bits !== count) undef |= OF;
    if (op.startsWith('rc') && size < 4 && count > bits) undef |= OF;
    let dest = g.rm(size);
    if (byCl) while (/^(cl|ch|cx|ecx|rcx)$/.test(dest)) dest = g.rm(size);
    return { text: `${op} ${dest}, ${byCl ? 'cl' : raw}`, undef };
  };
}

function doubleShiftMake(op: string): Make {
  return (g) => {
    const size = g.r.pick(WIDE);
    const raw = g.r.below(size === 2 ? 17 : 70);
    const byCl = g.r.chance(50);
    if (byCl) g.regs[1] = (g.regs[1] & ~0xffn) | BigInt(raw);
    const count = raw & (size === 8 ? 63 : 31);
    let [a, b] = g.pair(size);
    while (b.includes('[') || /cx/.test(a)) [a, b] = g.pair(size);
    return { text: `${op} ${a}, ${b}, ${byCl ? 'cl' : raw}`, undef: count ? (count > 1 ? AF | OF : AF) : 0 };
  };
}

function bitTestMake(op: string): Make {
  return (g) => {
    const size = g.r.pick(WIDE);
    if (g.r.chance(50)) return { text: `${op} ${g.rm(size)}, ${g.r.below(128)}`, undef: OF | SF | AF | PF };
    const a = g.rm(size);
    if (!a.includes('[')) return { text: `${op} ${a}, ${g.reg(size)}`, undef: OF | SF | AF | PF };
    // Bit offsets within the data on either side.
    g.regs[7] = BigInt.asUintN(64, BigInt(g.r.below(600) - 300));
    return { text: `${op} ${PTR[size]} ptr [rbx], ${NAMES[size][7]}`, undef: OF | SF | AF | PF };
  };
}

function divideMake(op: string): Make {
  return (g) => {
    const size = g.r.pick(SIZES);
    const bits = BigInt(size * 8);
    // Mostly quotients that fit: a small high half.
    if (g.r.chance(80)) {
      const high = op === 'div' || g.r.chance(50) ? BigInt(g.r.below(3)) : 0xffff_ffff_ffff_ffffn;
      if (size === 1) g.regs[0] = (g.regs[0] & ~0xff00n) | ((high & 0xffn) << 8n);
      else g.regs[2] = high;
    }
    void bits;
    return { text: `${op} ${g.rm(size)}`, undef: ALL };
  };
}

function stringMake(op: string, rep: string): Make {
  return (g) => {
    const suffix = g.r.pick(['b', 'w', 'd', 'q']);
    g.regs[1] = BigInt(g.r.below(12));
    g.regs[6] = CASE_DATA + BigInt(96 + g.r.below(20));
    g.regs[7] = CASE_DATA + BigInt(96 + g.r.below(30));
    const down = g.r.chance(30);
    const text = `${down ? 'std\n' : ''}${rep}${op}${suffix}${down ? '\ncld' : ''}`;
    return { text, undef: 0 };
  };
}

const two = (op: string, undef = 0): Make =>
  sized(
    SIZES,
    (g, size) => {
      if (g.r.chance(30)) return `${op} ${g.rm(size)}, ${g.imm(size)}`;
      const [a, b] = g.pair(size);
      return `${op} ${a}, ${b}`;
    },
    undef,
  );
const locked = (op: string): Make => sized(SIZES, (g, size) => `lock ${op} ${g.mem(size)}, ${g.reg(size)}`);
const one = (op: string): Make => sized(SIZES, (g, size) => `${op} ${g.rm(size)}`);
const regRm = (op: string, sizes: readonly number[], undef = 0): Make =>
  sized(sizes, (g, size) => `${op} ${g.reg(size)}, ${g.rm(size)}`, undef);
const fixed =
  (text: string, undef = 0): Make =>
  () => ({ text, undef });

const MAKERS: readonly Make[] = [
  ...'add sub cmp adc sbb add sub adc sbb'.split(' ').map((op) => two(op)),
  ...'and or xor test'.split(' ').map((op) => two(op, AF)),
  ...'add sub xadd'.split(' ').map((op) => locked(op)),
  ...'inc dec neg not inc dec'.split(' ').map(one),
  ...'shl shr sar rol ror rcl rcr shl shr sar rol ror rcl rcr'.split(' ').map(shiftMake),
  ...'shld shrd shld shrd'.split(' ').map(doubleShiftMake),
  ...'bt bts btr btc'.split(' ').map(bitTestMake),
  ...'div idiv div idiv'.split(' ').map(divideMake),
  sized(SIZES, (g, size) => `mul ${g.rm(size)}`, SF | ZF | AF | PF),
  sized(SIZES, (g, size) => `imul ${g.rm(size)}`, SF | ZF | AF | PF),
  regRm('imul', WIDE, SF | ZF | AF | PF),
  sized(WIDE, (g, size) => `imul ${g.reg(size)}, ${g.rm(size)}, ${g.imm(size)}`, SF | ZF | AF | PF),
  regRm('bsf', WIDE, CF | OF | SF | AF | PF),
  regRm('bsr', WIDE, CF | OF | SF | AF | PF),
  regRm('tzcnt', WIDE, OF | SF | AF | PF),
  regRm('lzcnt', WIDE, OF | SF | AF | PF),
  regRm('popcnt', WIDE),
  ...[0, 1].map(() => sized(WIDE, (g, size) => `cmov${g.r.pick(CONDITIONS)} ${g.reg(size)}, ${g.rm(size)}`)),
  ...[0, 1].map((): Make => (g) => ({ text: `set${g.r.pick(CONDITIONS)} ${g.rm(1)}` })),
  two('mov'),
  (g) => ({ text: `movabs ${g.reg(8)}, ${BigInt.asIntN(64, g.r.value())}` }),
  (g) => {
    const from = g.r.pick([1, 2]);
    const to = from === 1 ? g.r.pick(WIDE) : g.r.pick([4, 8]);
    let source = g.rm(from);
    const dest = g.reg(to);
    while (!encodable(source, dest)) source = g.rm(from);
    return { text: `${g.r.pick(['movzx', 'movsx'])} ${dest}, ${source}` };
  },
  (g) => ({ text: `movsxd ${g.reg(8)}, ${g.rm(4)}` }),
  sized(WIDE, (g, size) => `lea ${g.reg(size)}, ${g.mem(8).replace(/.*\[/, '[')}`),
  sized(WIDE, (g, size) => `lea ${g.reg(size)}, [ecx+edx*4-77]`),
  sized(SIZES, (g, size) => `xchg ${g.pair(size).join(', ')}`),
  sized(SIZES, (g, size) => {
    const [a, b] = g.pair(size);
    return b.includes('[') ? `xadd ${b}, ${a}` : `xadd ${a}, ${b}`;
  }),
  ...[0, 1].map(
    (): Make => (g) => {
      const size = g.r.pick(SIZES);
      const [a, b] = g.pair(size);
      const text = b.includes('[') ? `cmpxchg ${b}, ${a}` : `cmpxchg ${a}, ${b}`;
      // Half of them with equal operands.
      return {
        text: g.r.chance(50) ? `mov rax, [rbx+rsi*4]\n${text.replace(/\[.*\]/, '[rbx+rsi*4]')}` : text,
      };
    },
  ),
  sized([4, 8], (g, size) => `bswap ${g.reg(size)}`),
  sized(WIDE, (g, size) => `movbe ${g.reg(size)}, ${g.mem(size)}`),
  sized(WIDE, (g, size) => `movbe ${g.mem(size)}, ${g.reg(size)}`),
  ...'cbw cwde cdqe cwd cdq cqo lahf sahf clc stc cmc nop pause'.split(' ').map((op) => fixed(op)),
  (g) => ({ text: `push ${g.r.pick([g.reg(8), g.mem(8), g.reg(2), g.imm(4), 'rsp'])}` }),
  (g) => ({
    text: `pop ${g.r.pick([g.reg(8), g.mem(8), g.reg(2), 'qword ptr [rsp]', 'qword ptr [rsp+8]'])}`,
  }),
  (g) => ({ text: `mov rbp, rbx\nleave\nmov rax, ${g.imm(4)}` }),
  fixed('enter 24, 0'),
  fixed('pushfq\npop rax\npushfq\npopfq'),
  fixed('push 0x8d5\npopfq'),
  fixed('mov ebp, 1\nlea rdi, [rip+0x100]'),
  fixed('mov rax, rbx\nxor al, al\nmov al, 128\nlea rbx, [rbx-128]\nxlatb'),
  ...'movs stos lods'.split(' ').flatMap((op) => [stringMake(op, ''), stringMake(op, 'rep ')]),
  ...'cmps scas'
    .split(' ')
    .flatMap((op) => [stringMake(op, ''), stringMake(op, 'repe '), stringMake(op, 'repne ')]),
  sized([4, 8], (g, size) => `andn ${g.reg(size)}, ${g.reg(size)}, ${g.rm(size)}`, AF | PF),
  sized([4, 8], (g, size) => `bextr ${g.reg(size)}, ${g.rm(size)}, ${g.reg(size)}`, AF | SF | PF),
  (g) => {
    const size = g.r.pick([4, 8]);
    g.regs[2] = BigInt(g.r.below(80) | (g.r.below(80) << 8));
    return { text: `bextr ${g.reg(size)}, ${g.rm(size)}, ${NAMES[size][2]}`, undef: AF | SF | PF };
  },
  ...'blsr blsmsk blsi'.split(' ').map((op) => regRm(op, [4, 8], AF | PF)),
  sized([4, 8], (g, size) => `bzhi ${g.reg(size)}, ${g.rm(size)}, ${g.reg(size)}`, AF | PF),
  (g) => {
    const size = g.r.pick([4, 8]);
    g.regs[2] = BigInt(g.r.below(80));
    return { text: `bzhi ${g.reg(size)}, ${g.rm(size)}, ${NAMES[size][2]}`, undef: AF | PF };
  },
  sized([4, 8], (g, size) => `rorx ${g.reg(size)}, ${g.rm(size)}, ${g.r.below(64)}`),
  ...'shlx sarx shrx'
    .split(' ')
    .map((op) => sized([4, 8], (g, size) => `${op} ${g.reg(size)}, ${g.rm(size)}, ${g.reg(size)}`)),
  ...'pdep pext mulx'
    .split(' ')
    .map((op) => sized([4, 8], (g, size) => `${op} ${g.reg(size)}, ${g.reg(size)}, ${g.rm(size)}`)),
  regRm('adcx', [4, 8]),
  regRm('adox', [4, 8]),
  (g) => {
    const from = g.r.pick(SIZES);
    let source = g.rm(from);
    const dest = g.reg(from === 8 ? 8 : 4);
    while (!encodable(source, dest)) source = g.rm(from);
    return { text: `crc32 ${dest}, ${source}` };
  },
  (g) => ({
    text: g.r.chance(50) ? 'cmpxchg8b [rbx]' : 'mov eax, [rbx]\nmov edx, [rbx+4]\nlock cmpxchg8b [rbx]',
  }),
  (g) => ({
    text: g.r.chance(50)
      ? 'cmpxchg16b [rbx]'
      : 'mov rcx, rbx\nmov rax, [rbx]\nmov rdx, [rbx+8]\ncmpxchg16b [rcx]',
  }),
  (g) => {
    g.regs[1] = BigInt(1 + g.r.below(6));
    return { text: `1: add rax, rdx\n${g.r.pick(['loop', 'loope', 'loopne'])} 1b` };
  },
  (g) => {
    if (g.r.chance(50)) g.regs[1] = 0n;
    return { text: `jrcxz 1f\nadd rax, 5\n1:` };
  },
  // Accesses that cross no page but are unaligned, and pages that are not there.
  (g) => {
    g.regs[7] = g.r.pick([0n, 8n, 0x7ffe_f002_0000n, 0x8000_0000_0000_0000n, CASE_DATA - 3n]);
    return { text: `add rax, 1\nadd rax, [rdi]` };
  },
  // Runs of accesses through one pointer, bounded indices, derived pointers: checked by ranges.
  ...[0, 1, 2].map(
    (): Make => (g) => {
      const scale = g.r.pick([1, 2, 4, 8]);
      const steps = [
        `mov r9, [rbx+rcx*${scale}-${g.r.below(64)}]`,
        `add [rbx+rcx*${scale}], edx`,
        `mov rdx, [rbx+${g.r.below(64)}]`,
        'lea rdi, [rbx+16]\nadd r10, [rdi-24]\nxor [rdi+rcx], r10b',
        'push rdx\nadd r11, [rsp+rcx]\npop r12',
        'add rdi, 8\nmov [rdi], r9d\nmov r9w, [rdi+2]',
        'mov rbp, rsp\nsub rsp, 32\nmov [rsp+rcx*2], r11w\nmov r8, [rbp-8]\nadd rsp, 32',
      ];
      g.regs[7] = CASE_DATA + BigInt(g.r.below(160));
      const bound = g.r.pick(['and ecx, 7', 'movzx ecx, cl\nand ecx, 3', 'shr ecx, 29', 'mov ecx, 5']);
      return { text: [bound, g.r.pick(steps), g.r.pick(steps), g.r.pick(steps)].join('\n'), undef: ALL };
    },
  ),
  fixed('ud2'),
];

/** Instructions that read flags, put after one that sets them: what the lazy flags are about. */
function consumer(g: Generator, undef: number): string {
  const readable = CONDITIONS.filter((_, i) => !(COND_FLAGS[i >> 1] & undef));
  const choice = g.r.below(6);
  if (choice === 0 && !(undef & CF)) return `adc r9, ${g.reg(8)}`;
  if (choice === 1 && !(undef & CF)) return `sbb r10d, ${g.reg(4)}`;
  if (readable.length === 0) return 'nop';
  const cond = g.r.pick(readable);
  if (choice === 2) return `set${cond} r9b`;
  if (choice === 3) return `cmov${cond} r10, ${g.reg(8)}`;
  return `j${cond} 2f\nadd r11, 7\n2: lea r12, [r12+r11]`;
}

const COND_FLAGS = [OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF];

/** Makes `count` cases from a seed. */
export function makeCases(seed: number, count: number): Case[] {
  const cases: Case[] = [];
  const r = new Random(seed);
  for (let i = 0; i < count; i++) {
    const g = new Generator(r);
    const made = MAKERS[i % MAKERS.length](g);
    let undefinedFlags = made.undef ?? 0;
    let source = made.text;
    if (r.chance(40)) {
      const next = consumer(g, undefinedFlags);
      source += `\n${next}`;
      if (/^(adc|sbb)/.test(next)) undefinedFlags = 0;
      else if (/add r11/.test(next)) undefinedFlags = 0xffff;
    }
    const data = Uint8Array.from({ length: CASE_DATA_SIZE }, () => (r.chance(30) ? 0 : r.u32() & 255));
    cases.push({ source, regs: [...g.regs], flags: g.flags, data, undefinedFlags });
  }
  return cases;
}
