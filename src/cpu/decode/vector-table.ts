import { VECTOR_OPCODES } from './vector-opcodes.js';

/** A line of the table of vector-opcodes.ts. */
export interface VectorRow {
  readonly name: string;
  readonly operands: readonly string[];
  readonly encoding: 'both' | 'sse' | 'vex';
  readonly length: 128 | 256 | undefined;
  readonly w: 0 | 1 | undefined;
  readonly alignment: 'sse' | 'aligned' | 'any';
  /** Executed by the host: see runtime/slow-vector.ts. */
  readonly host: boolean;
  /** Works on one element: VEX.L is ignored. */
  readonly scalar: boolean;
}

/** Rows by map (1 0F, 2 0F38, 3 0F3A), mandatory prefix (0 none, 1 66, 2 F3, 3 F2) and opcode. */
const rows = new Map<number, VectorRow[]>();

const key = (map: number, prefix: number, opcode: number): number => (map << 10) | (prefix << 8) | opcode;

function parse(line: string): readonly [number, VectorRow] {
  const [opcode, name, ...rest] = line.trim().split(' ');
  const operands = rest.filter((word) => /^[VXHWUMGEIL]/.test(word));
  const has = (word: string): boolean => rest.includes(word);
  return [
    Number.parseInt(opcode, 16),
    {
      name,
      operands,
      encoding: has('sse') ? 'sse' : has('vex') ? 'vex' : 'both',
      length: has('128') ? 128 : has('256') ? 256 : undefined,
      w: has('w0') ? 0 : has('w1') ? 1 : undefined,
      alignment: has('aligned') ? 'aligned' : has('any') ? 'any' : 'sse',
      host: has('host'),
      scalar:
        /(^(add|sub|mul|div|min|max|sqrt|cmp|round|u?comi|fn?m.*\d)s[sd]$)|^cvt(t?s[sd]2si|si2s[sd]|ss2sd|sd2ss)$/.test(
          name,
        ),
    },
  ];
}

function add(map: number, prefix: number, [opcode, row]: readonly [number, VectorRow]): void {
  const known = rows.get(key(map, prefix, opcode));
  if (known) known.push(row);
  else rows.set(key(map, prefix, opcode), [row]);
}

for (const [heading, lines] of Object.entries(VECTOR_OPCODES)) {
  const prefix = heading.startsWith('66')
    ? 1
    : heading.startsWith('F3')
      ? 2
      : heading.startsWith('F2')
        ? 3
        : 0;
  const map = heading.endsWith('0F38') ? 2 : heading.endsWith('0F3A') ? 3 : 1;
  for (const line of lines.trim().split('\n')) add(map, prefix, parse(line));
}

/** FMA: opcodes 96 to 9f, a6 to af and b6 to bf differ in the order of operands. */
const FUSED = 'fmaddsub fmsubadd fmadd fmadd fmsub fmsub fnmadd fnmadd fnmsub fnmsub'.split(' ');
for (const [first, order] of [
  [0x96, '132'],
  [0xa6, '213'],
  [0xb6, '231'],
] as const)
  FUSED.forEach((name, i) => {
    const scalar = i > 1 && i % 2 === 1;
    for (const w of [0, 1]) {
      const suffix = `${scalar ? 's' : 'p'}${w ? 'd' : 's'}`;
      const source = scalar ? (w ? 'Wq' : 'Wd') : 'W';
      const line = `${(first + i).toString(16)} ${name}${order}${suffix} V H ${source} vex w${w} host`;
      add(2, 1, parse(line));
    }
  });

/** What an opcode may be: more than one row where VEX.W decides. */
export function vectorRows(map: number, prefix: number, opcode: number): readonly VectorRow[] {
  return rows.get(key(map, prefix, opcode)) ?? [];
}

const hostOps = new Set([...rows.values()].flat().flatMap(({ name, host }) => (host ? [name] : [])));

/** Whether the host executes a vector instruction. */
export const isHostVector = (name: string): boolean => hostOps.has(name);

/** Every row, for tests. */
export const allVectorRows = (): readonly VectorRow[] => [...rows.values()].flat();
