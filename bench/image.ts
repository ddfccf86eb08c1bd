import { readFileSync } from 'node:fs';

/** A relocated module: bytes that belong at `base`, and where its functions are. */
export interface Image {
  readonly base: bigint;
  readonly bytes: Uint8Array;
  /** End of executable sections, from the start; page-aligned. */
  readonly textSize: number;
  readonly symbols: ReadonlyMap<string, bigint>;
}

const PAGE = 4096;
const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Machine code of the few functions that modules import, the same in every engine. */
const IMPORTS: Record<string, number[]> = {
  // mov rax, rdi; mov rcx, rdx; rep movsb; ret
  memcpy: [0x48, 0x89, 0xf8, 0x48, 0x89, 0xd1, 0xf3, 0xa4, 0xc3],
  memmove: [0x48, 0x89, 0xf8, 0x48, 0x89, 0xd1, 0xf3, 0xa4, 0xc3],
  // mov r9, rdi; mov eax, esi; mov rcx, rdx; rep stosb; mov rax, r9; ret
  memset: [0x49, 0x89, 0xf9, 0x89, 0xf0, 0x48, 0x89, 0xd1, 0xf3, 0xaa, 0x4c, 0x89, 0xc8, 0xc3],
  // jmp rdi
  __x86_indirect_thunk_rdi: [0xff, 0xe7],
  // ret: the registers are ours.
  kernel_fpu_begin_mask: [0xc3],
  kernel_fpu_end: [0xc3],
};
const UD2 = [0x0f, 0x0b];

/**
 * driver(rdi = count, rsi = six arguments): calls `target` count times. The call is direct, or through RAX.
 * push rbx; push rbp; push rbp; mov rbx, rdi; mov rbp, rsi; loop: ...; dec rbx; jnz loop; pops; ret
 */
function driver(at: number, target: number, indirect: boolean): number[] {
  const code = [0x53, 0x55, 0x55, 0x48, 0x89, 0xfb, 0x48, 0x89, 0xf5];
  const loop = code.length;
  code.push(0x48, 0x8b, 0x7d, 0x00, 0x48, 0x8b, 0x75, 0x08, 0x48, 0x8b, 0x55, 0x10);
  code.push(0x48, 0x8b, 0x4d, 0x18, 0x4c, 0x8b, 0x45, 0x20, 0x4c, 0x8b, 0x4d, 0x28);
  if (indirect) {
    // lea rax, [rip + target]; call rax
    const relative = target - (at + code.length + 7);
    code.push(0x48, 0x8d, 0x05, ...le32(relative), 0xff, 0xd0);
  } else {
    const relative = target - (at + code.length + 5);
    code.push(0xe8, ...le32(relative));
  }
  code.push(0x48, 0xff, 0xcb, 0x75, 0);
  code[code.length - 1] = (loop - code.length) & 255;
  code.push(0x5d, 0x5d, 0x5b, 0xc3);
  return code;
}

const le32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  (value >> 24) & 255,
];

/**
 * Lays out and relocates a module at `base`. Return thunks and ftrace sites are patched as the kernel patches
 * them (to `ret` and a nop), so native code is not slowed by them; text is otherwise what is in the file.
 */
export function loadImage(file: string, base: bigint, functions: readonly string[]): Image {
  const elf = readFileSync(file);
  const shoff = Number(elf.readBigUInt64LE(0x28));
  const count = elf.readUInt16LE(0x3c);
  const sections = Array.from({ length: count }, (_, i) => {
    const at = shoff + i * 64;
    return {
      type: elf.readUInt32LE(at + 4),
      flags: Number(elf.readBigUInt64LE(at + 8)),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
      info: elf.readUInt32LE(at + 44),
      align: Number(elf.readBigUInt64LE(at + 48)) || 1,
      place: -1,
    };
  });
  let end = 0;
  const place = (executable: boolean): void => {
    for (const s of sections)
      if (s.flags & 2 && !!(s.flags & 4) === executable) {
        s.place = align(end, Math.max(s.align, 16));
        end = s.place + s.size;
      }
  };
  place(true);
  const imports = new Map<string, number>();
  const extra: [number, number[]][] = [];
  const append = (code: number[]): number => {
    const at = align(end, 16);
    extra.push([at, code]);
    end = at + code.length;
    return at;
  };
  const importAt = (name: string): number => {
    let at = imports.get(name);
    if (at === undefined) {
      at = append(IMPORTS[name] ?? UD2);
      imports.set(name, at);
    }
    return at;
  };
  const symtab = sections.find((s) => s.type === 2)!;
  const strings = sections[symtab.link];
  const nameAt = (at: number): string => {
    const start = strings.offset + at;
    return elf.toString('latin1', start, elf.indexOf(0, start));
  };
  const symbols = Array.from({ length: symtab.size / 24 }, (_, i) => {
    const at = symtab.offset + i * 24;
    const section = elf.readUInt16LE(at + 6);
    return { name: nameAt(elf.readUInt32LE(at)), section, value: Number(elf.readBigUInt64LE(at + 8)) };
  });
  for (const { name, section } of symbols) if (section === 0 && name) importAt(name);
  const table = new Map<string, number>();
  for (const { name, section, value } of symbols)
    if (section > 0 && section < 0xff00 && sections[section].place >= 0)
      table.set(name, sections[section].place + value);
  for (const name of functions) {
    const target = table.get(name);
    if (target === undefined) throw new Error(`${file} has no ${name}`);
    const size = driver(0, 0, true).length;
    for (const indirect of [false, true]) {
      const at = align(end, 16);
      end = at + size;
      extra.push([at, driver(at, target, indirect)]);
      table.set(`${indirect ? 'indirect' : 'direct'}:${name}`, at);
    }
  }
  end = align(end, PAGE);
  const textSize = end;
  place(false);
  const bytes = new Uint8Array(align(end, PAGE));
  const view = new DataView(bytes.buffer);
  for (const s of sections)
    if (s.place >= 0 && s.type !== 8) bytes.set(elf.subarray(s.offset, s.offset + s.size), s.place);
  for (const [at, code] of extra) bytes.set(code, at);
  for (const s of sections) {
    if (s.type !== 4 || sections[s.info].place < 0) continue;
    for (let at = s.offset; at < s.offset + s.size; at += 24) {
      const where = sections[s.info].place + Number(elf.readBigUInt64LE(at));
      const type = elf.readUInt32LE(at + 8);
      const symbol = symbols[elf.readUInt32LE(at + 12)];
      const addend = elf.readBigInt64LE(at + 16);
      if (symbol.name === '__x86_return_thunk' && bytes[where - 1] === 0xe9) {
        bytes.set([0xc3, 0xcc, 0xcc, 0xcc, 0xcc], where - 1);
        continue;
      }
      if (symbol.name === '__fentry__') {
        bytes.set([0x0f, 0x1f, 0x44, 0x00, 0x00], where - 1);
        continue;
      }
      const target =
        symbol.section === 0
          ? (imports.get(symbol.name) ?? 0)
          : sections[symbol.section]?.place + symbol.value;
      const value = base + BigInt(target) + addend;
      if (type === 1) view.setBigUint64(where, BigInt.asUintN(64, value), true);
      else if (type === 2 || type === 4) view.setInt32(where, Number(value - base) - where, true);
      else if (type === 10 || type === 11) view.setUint32(where, Number(value & 0xffff_ffffn), true);
      else if (type === 24) view.setBigInt64(where, value - base - BigInt(where), true);
      else throw new Error(`relocation type ${type}`);
    }
  }
  const addresses = new Map([...table].map(([name, at]) => [name, base + BigInt(at)]));
  return { base, bytes, textSize, symbols: addresses };
}
