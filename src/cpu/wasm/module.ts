import { CodeWriter } from './code-writer.js';

export interface FuncType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface FuncImport {
  readonly name: string;
  readonly type: number;
}

export interface ModuleParts {
  readonly types: readonly FuncType[];
  /** Functions imported from module "h". Memory is "m" "m" and the table "m" "t". */
  readonly imports: readonly FuncImport[];
  /** Constant i32 globals imported from module "h". */
  readonly globals: readonly string[];
  readonly memoryPages: number;
  /** Types of the functions, and their bodies with local declarations. */
  readonly functions: readonly { readonly type: number; readonly body: CodeWriter; readonly name?: string }[];
  /** Table slots to fill: slot and function (index in `functions`). */
  readonly elements: readonly { readonly slot: number; readonly func: number }[];
}

/** Writes a WebAssembly binary module (core specification, chapter 5.5). Positions of slots are reported. */
export function writeModule(
  parts: ModuleParts,
  atSlot?: (offset: number, element: number) => void,
  atBody?: (offset: number, func: number) => void,
): Uint8Array {
  const out = new CodeWriter(8192);
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  const section = (id: number, fill: (s: CodeWriter) => void): number => {
    const s = new CodeWriter(512);
    fill(s);
    out.byte(id);
    out.u32(s.length);
    const at = out.length;
    out.append(s.bytes());
    return at;
  };
  section(1, (s) => {
    s.u32(parts.types.length);
    for (const type of parts.types) {
      s.byte(0x60);
      s.u32(type.params.length);
      s.op(...type.params);
      s.u32(type.results.length);
      s.op(...type.results);
    }
  });
  section(2, (s) => {
    s.u32(parts.imports.length + parts.globals.length + 2);
    s.name('m');
    s.name('m');
    s.byte(2);
    s.byte(1);
    s.u32(parts.memoryPages);
    s.u32(parts.memoryPages);
    s.name('m');
    s.name('t');
    s.op(1, 0x70, 0);
    s.u32(0);
    for (const { name, type } of parts.imports) {
      s.name('h');
      s.name(name);
      s.byte(0);
      s.u32(type);
    }
    for (const name of parts.globals) {
      s.name('h');
      s.name(name);
      s.op(3, 0x7f, 0);
    }
  });
  section(3, (s) => {
    s.u32(parts.functions.length);
    for (const { type } of parts.functions) s.u32(type);
  });
  const named = parts.functions.filter((f) => f.name !== undefined);
  if (named.length > 0)
    section(7, (s) => {
      s.u32(named.length);
      parts.functions.forEach((f, i) => {
        if (f.name === undefined) return;
        s.name(f.name);
        s.byte(0);
        s.u32(parts.imports.length + i);
      });
    });
  if (parts.elements.length > 0) {
    const marks: number[] = [];
    const base = section(9, (s) => {
      s.u32(parts.elements.length);
      for (const { slot, func } of parts.elements) {
        s.op(0, 0x41);
        marks.push(s.length);
        s.padded(slot);
        s.byte(0x0b);
        s.u32(1);
        s.u32(parts.imports.length + func);
      }
    });
    marks.forEach((mark, i) => {
      atSlot?.(base + mark, i);
    });
  }
  const bodies: number[] = [];
  const base = section(10, (s) => {
    s.u32(parts.functions.length);
    for (const { body } of parts.functions) {
      s.u32(body.length);
      bodies.push(s.length);
      s.append(body.bytes());
    }
  });
  bodies.forEach((offset, i) => {
    atBody?.(base + offset, i);
  });
  return out.bytes().slice();
}
