import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseElf } from '../../src/formats/elf/index.js';
import type { Compiler } from './compiler.js';
import { includes } from './headers.js';

/** What cannot stand inside an expression: it would take other lines with it. */
const NO_EXPRESSION =
  /[;{}"'#\\@`]|\b(?:asm|__asm|__asm__|do|if|for|while|return|goto|extern|static|struct|union|typedef|_Pragma)\b/;

/**
 * The values of those expressions that are integer constants (C11 6.6), by the compiler's word. `undefine`: names that
 * are not to be taken for macros.
 */
export function evaluate(
  compiler: Compiler,
  headers: readonly string[],
  expressions: ReadonlyMap<string, string>,
  undefine: readonly string[] = [],
): Map<string, bigint> {
  let left = [...expressions].filter(([, text]) => mayBeExpression(text));
  const head = [...includes(headers), ...undefine.map((name) => `#undef ${name}`)];
  for (;;) {
    const lines = left.map(([, text]) => `_Static_assert((${text}) || 1, "");`);
    const source = compiler.write('constant.c', [...head, ...lines]);
    const errors = compiler.errors(source, ['-Werror=gnu-folding-constant'], 0);
    if (errors.length === 0) break;
    const bad = new Set(
      errors.filter(({ file }) => file === source).map(({ line }) => line - 1 - head.length),
    );
    if (bad.size === 0) throw new Error(`${errors[0].file}:${errors[0].line}: ${errors[0].text}`);
    left = left.filter((_, i) => !bad.has(i));
  }
  return valuesOf(compiler, head, left);
}

function valuesOf(compiler: Compiler, head: readonly string[], left: readonly (readonly [string, string])[]) {
  const source = compiler.write('values.c', [
    ...head,
    'const unsigned long long modbox_values[] __attribute__((section("modbox.values"), used)) = {',
    ...left.map(([, text]) => `(unsigned long long)(${text}),`),
    '};',
    'const unsigned char modbox_signs[] __attribute__((section("modbox.signs"), used)) = {',
    ...left.map(([, text]) => `(${text}) < 0,`),
    '};',
  ]);
  const object = join(compiler.folder, 'values.o');
  compiler.compile(['-c', source, '-o', object]);
  const elf = parseElf(readFileSync(object), 'values.o');
  const values = elf.section('modbox.values')?.data ?? new Uint8Array();
  const signs = elf.section('modbox.signs')?.data ?? new Uint8Array();
  if (signs.length !== left.length) throw new Error('values.o: not as many values as expressions');
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return new Map(
    left.map(([name], i) => [
      name,
      signs[i] ? view.getBigInt64(i * 8, true) : view.getBigUint64(i * 8, true),
    ]),
  );
}

/** Drivers' and protocols' headers define macros of the same names as the core's: the core's count. */
const CORE = /\/(sys|vm|machine)\/\w+\.h$/;

/** Macros without parameters that the headers define, and what they stand for. Those of the compiler are not among them. */
export async function macrosOf(compiler: Compiler, headers: readonly string[]): Promise<Map<string, string>> {
  const macros = new Map<string, string>();
  const core = new Set<string>();
  let file = '';
  // -dD: #define and #undef as they come, with the places that they are at.
  for await (const line of compiler.lines(['-E', '-dD', compiler.write('macros.c', includes(headers))])) {
    file = /^# \d+ "(.*?)"/.exec(line)?.[1] ?? file;
    if (file.startsWith('<')) continue;
    const [, action, name, text] = /^#(define|undef) (\w+)(?: (.+))?$/.exec(line) ?? [];
    const isCore = CORE.test(file);
    if (name === undefined || (core.has(name) && !isCore)) continue;
    macros.delete(name);
    core.delete(name);
    if (action === 'undef' || text === undefined) continue;
    macros.set(name, text);
    if (isCore) core.add(name);
  }
  return macros;
}

/** Whether the text can be put between parentheses without harm to what follows. */
function mayBeExpression(text: string): boolean {
  if (NO_EXPRESSION.test(text)) return false;
  let depth = 0;
  for (const char of text) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (depth < 0) return false;
  }
  return depth === 0;
}
