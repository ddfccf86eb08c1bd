import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addDeclarations } from './btf-declarations.js';
import { type Compiler, runProgram } from './compiler.js';
import type { Declarations } from './declarations.js';
import { includes } from './headers.js';

const DEBUG = ['-g', '-gdwarf-4', '-O0', '-fno-eliminate-unused-debug-types', '-fstandalone-debug', '-c'];

/**
 * BTF of all types of the headers, with a FUNC of every function and a VAR of every variable that they declare. Debug
 * information has no declarations that nothing uses; a struct with a pointer to each carries their types through pahole,
 * and is taken apart again.
 */
export function typesOf(compiler: Compiler, headers: readonly string[], declared: Declarations): Uint8Array {
  const names = [...declared.functions.keys(), ...declared.variables].sort();
  const source = compiler.write('types.c', [
    ...includes(headers),
    ...names.map((name) => `#undef ${name}`),
    'struct modbox_declared {',
    ...names.map((name, i) => `\t__typeof__(${name}) *declared_${i};`),
    '};',
    'struct modbox_declared *modbox_declared;',
  ]);
  const object = join(compiler.folder, 'types.o');
  const linked = join(compiler.folder, 'types.elf');
  const btf = join(compiler.folder, 'types.btf');
  compiler.compile([...DEBUG, source, '-o', object]);
  // Linked, so that pahole need not apply relocations of debug sections.
  runProgram('ld.lld-14', [
    '-m',
    'elf_x86_64_fbsd',
    '-e',
    '0',
    '--unresolved-symbols=ignore-all',
    object,
    '-o',
    linked,
  ]);
  rmSync(btf, { force: true });
  runProgram('pahole', ['-J', `--btf_encode_detached=${btf}`, linked]);
  return addDeclarations(readFileSync(btf), 'modbox_declared', names, declared.functions);
}
