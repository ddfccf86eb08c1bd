/**
 * A small assembler for WebAssembly (core specification 2.0, chapter 5): instructions are nested as expressions,
 * and a function that puts some together is a macro. It knows the instructions that the decoder needs.
 */

/** A piece of code; what it is put into says whether it leaves a value. */
export type Code = (out: CodeBuffer) => void;

export class Local {
  constructor(
    readonly index: number,
    readonly type: ValueType,
  ) {}
}

type ValueType = 'i32' | 'i64';

/** A value on the stack. A number is a constant of 32 bits with a sign. */
export type Operand = Code | Local | number;

/** Where a branch can go: the end of a block, or the start of a loop. */
export interface Label {
  depth: number;
}

const TYPE_CODES = { i32: 0x7f, i64: 0x7e } as const;
const NO_RESULT = 0x40;

class CodeBuffer {
  private space = new Uint8Array(0x1000);
  private length = 0;
  /** Of nested blocks. */
  depth = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.space.subarray(0, this.length);
  }

  byte(byte: number): void {
    if (this.length === this.space.length) this.grow(1);
    this.space[this.length++] = byte;
  }

  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  signed(value: number): void {
    let rest = value;
    for (; rest < -0x40 || rest >= 0x40; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest & 0x7f);
  }

  operand(operand: Operand, type: ValueType): void {
    if (typeof operand === 'function') {
      operand(this);
    } else if (typeof operand === 'number') {
      this.byte(type === 'i32' ? 0x41 : 0x42);
      this.signed(operand);
    } else {
      this.byte(0x20);
      this.unsigned(operand.index);
    }
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.space.length) this.grow(bytes.length);
    this.space.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A vector of bytes: their number in front. */
  vector(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  private grow(more: number): void {
    const grown = new Uint8Array(this.space.length * 2 + more);
    grown.set(this.bytes);
    this.space = grown;
  }
}

type Binary = (left: Operand, right: Operand) => Code;
type Load = (address: Operand, offset?: number) => Code;
type Store = (address: Operand, offset: number, value: Operand) => Code;

const binary =
  (type: ValueType, opcode: number): Binary =>
  (left, right) =>
  (out) => {
    out.operand(left, type);
    out.operand(right, type);
    out.byte(opcode);
  };

/** Alignment is a hint only; none is promised. */
const load =
  (opcode: number): Load =>
  (address, offset = 0) =>
  (out) => {
    out.operand(address, 'i32');
    out.byte(opcode);
    out.byte(0);
    out.unsigned(offset);
  };

const store =
  (type: ValueType, opcode: number): Store =>
  (address, offset, value) =>
  (out) => {
    out.operand(address, 'i32');
    out.operand(value, type);
    out.byte(opcode);
    out.byte(0);
    out.unsigned(offset);
  };

export const i32 = {
  ltU: binary('i32', 0x49),
  gtU: binary('i32', 0x4b),
  geU: binary('i32', 0x4f),
  eq: binary('i32', 0x46),
  ne: binary('i32', 0x47),
  add: binary('i32', 0x6a),
  sub: binary('i32', 0x6b),
  mul: binary('i32', 0x6c),
  and: binary('i32', 0x71),
  or: binary('i32', 0x72),
  xor: binary('i32', 0x73),
  shl: binary('i32', 0x74),
  shrU: binary('i32', 0x76),
  load: load(0x28),
  load8U: load(0x2d),
  store: store('i32', 0x36),
  store8: store('i32', 0x3a),
  /** The lower half of an i64. */
  wrap: (value: Operand): Code => unary(value, 'i64', 0xa7),
} as const;

export const i64 = {
  ltU: binary('i64', 0x54),
  add: binary('i64', 0x7c),
  sub: binary('i64', 0x7d),
  mul: binary('i64', 0x7e),
  and: binary('i64', 0x83),
  or: binary('i64', 0x84),
  xor: binary('i64', 0x85),
  shl: binary('i64', 0x86),
  shrS: binary('i64', 0x87),
  shrU: binary('i64', 0x88),
  load: load(0x29),
  load8U: load(0x31),
  load16U: load(0x33),
  load32U: load(0x35),
  store: store('i64', 0x37),
  store16: store('i64', 0x3d),
  store32: store('i64', 0x3e),
  extendU: (value: Operand): Code => unary(value, 'i32', 0xad),
} as const;

function unary(value: Operand, type: ValueType, opcode: number): Code {
  return (out) => {
    out.operand(value, type);
    out.byte(opcode);
  };
}

export function set(local: Local, value: Operand): Code {
  return (out) => {
    out.operand(value, local.type);
    out.byte(0x21);
    out.unsigned(local.index);
  };
}

/** Sets a local, and its value is the expression's. */
export function tee(local: Local, value: Operand): Code {
  return (out) => {
    out.operand(value, local.type);
    out.byte(0x22);
    out.unsigned(local.index);
  };
}

/** `yes` where the condition is not zero, else `no`: both are evaluated, and nothing branches. */
export function select(condition: Operand, yes: Operand, no: Operand): Code {
  return (out) => {
    out.operand(yes, 'i32');
    out.operand(no, 'i32');
    out.operand(condition, 'i32');
    out.byte(0x1b);
  };
}

export function sequence(...codes: readonly Code[]): Code {
  return (out) => {
    for (const code of codes) code(out);
  };
}

/** Code several times over. It branches nowhere but within itself. */
export function repeated(times: number, code: Code): Code {
  return (out) => {
    const start = out.bytes.length;
    code(out);
    const once = out.bytes.slice(start);
    for (let i = 1; i < times; i++) out.append(once);
  };
}

export function when(condition: Operand, yes: Code, no?: Code): Code {
  return (out) => {
    out.operand(condition, 'i32');
    out.byte(0x04);
    out.byte(NO_RESULT);
    out.depth++;
    yes(out);
    if (no !== undefined) {
      out.byte(0x05);
      no(out);
    }
    out.depth--;
    out.byte(0x0b);
  };
}

function labelled(opcode: number, body: (label: Label) => Code): Code {
  return (out) => {
    out.byte(opcode);
    out.byte(NO_RESULT);
    const label = { depth: ++out.depth };
    body(label)(out);
    out.depth--;
    out.byte(0x0b);
  };
}

/** Branching to its label leaves it. */
export function block(body: (end: Label) => Code): Code {
  return labelled(0x02, body);
}

/** Branching to its label goes round again; it ends where nothing does. */
export function loop(body: (again: Label) => Code): Code {
  return labelled(0x03, body);
}

export function whileTrue(condition: Operand, body: Code): Code {
  return block((end) => loop((again) => sequence(branchIf(end, i32.eq(condition, 0)), body, branch(again))));
}

export function branch(label: Label): Code {
  return (out) => {
    out.byte(0x0c);
    out.unsigned(out.depth - label.depth);
  };
}

export function branchIf(label: Label, condition: Operand): Code {
  return (out) => {
    out.operand(condition, 'i32');
    out.byte(0x0d);
    out.unsigned(out.depth - label.depth);
  };
}

export function giveBack(value: Operand, type: ValueType): Code {
  return (out) => {
    out.operand(value, type);
    out.byte(0x0f);
  };
}

/** A function being written: parameters first, then locals, each a number of its own. */
export class FunctionBuilder {
  private readonly locals: Local[] = [];

  constructor(
    readonly name: string,
    private readonly parameters: readonly ValueType[],
    private readonly result: ValueType,
  ) {}

  /** Parameter `index`. */
  parameter(index: number): Local {
    return new Local(index, this.parameters[index]);
  }

  local(type: ValueType): Local {
    const local = new Local(this.parameters.length + this.locals.length, type);
    this.locals.push(local);
    return local;
  }

  /** Its entry in the type section. */
  type(out: CodeBuffer): void {
    out.byte(0x60);
    out.vector(Uint8Array.from(this.parameters, (type) => TYPE_CODES[type]));
    out.vector(Uint8Array.of(TYPE_CODES[this.result]));
  }

  /** Its entry in the code section. */
  body(out: CodeBuffer, code: Code): void {
    const inner = new CodeBuffer();
    inner.unsigned(this.locals.length);
    for (const { type } of this.locals) {
      inner.byte(1);
      inner.byte(TYPE_CODES[type]);
    }
    code(inner);
    inner.byte(0x0b);
    out.vector(inner.bytes);
  }
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const Section = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 } as const;

/** A module of functions, each exported by its name, that work on the memory imported as "m" "m". */
export function assemble(functions: readonly (readonly [FunctionBuilder, Code])[]): Uint8Array<ArrayBuffer> {
  const out = new CodeBuffer();
  const section = (id: number, count: number, fill: (content: CodeBuffer) => void): void => {
    const content = new CodeBuffer();
    content.unsigned(count);
    fill(content);
    out.byte(id);
    out.vector(content.bytes);
  };
  const name = (content: CodeBuffer, text: string): void =>
    content.vector(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  for (const byte of HEADER) out.byte(byte);
  section(Section.types, functions.length, (types) => {
    for (const [builder] of functions) builder.type(types);
  });
  section(Section.imports, 1, (imports) => {
    name(imports, 'm');
    name(imports, 'm');
    // A memory with no maximum and at least one page.
    for (const byte of [2, 0, 1]) imports.byte(byte);
  });
  section(Section.functions, functions.length, (indices) => {
    for (let i = 0; i < functions.length; i++) indices.unsigned(i);
  });
  section(Section.exports, functions.length, (exports) => {
    functions.forEach(([builder], i) => {
      name(exports, builder.name);
      exports.byte(0);
      exports.unsigned(i);
    });
  });
  section(Section.code, functions.length, (bodies) => {
    for (const [builder, code] of functions) builder.body(bodies, code);
  });
  return out.bytes;
}
