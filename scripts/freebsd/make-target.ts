/**
 * Makes targets/freebsd-14.2-amd64.modbox, the FreeBSD kernel that comes with modbox, of public material:
 *
 *     npx vite-node scripts/freebsd/make-target.ts --generic DIR --machine DIR --sources DIR --interfaces DIR
 *         --modules DIR --symbols TSV
 *
 * --generic     the installed headers (/usr/include of 14.2; as zig has them, lib/libc/include/generic-freebsd)
 * --machine     those of amd64 (lib/libc/include/x86_64-freebsd-none)
 * --sources     a source tree's sys/: tools/*.awk, contrib/ck
 * --interfaces  14.2's *_if.m and vnode_if.src
 * --modules     14.2's /boot/kernel: which symbols are its modules' own, and which are called
 * --symbols     what those modules need of the kernel: `count symbol provider` between tabs
 *
 * Facts only go into the file: names, layouts, prototypes, numbers. It needs clang-14, ld.lld-14, awk and pahole, and
 * takes some minutes. See README.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeTarget } from '../../src/target/codec.js';
import { encodeMacros, encodeModules } from '../../src/target/freebsd-open.js';
import { encodeFreebsdSymbols } from '../../src/target/freebsd-symbols.js';
import { FREEBSD_PARTS, type FreebsdPart, type FreebsdTargetInfo } from '../../src/target/freebsd-target.js';
import { BUNDLED_FREEBSD, bundledFile } from '../../src/target/node/bundled.js';
import { bundleCompressor } from '../../src/target/node/zlib-codec.js';
import { Compiler } from './compiler.js';
import { declarationsOf } from './declarations.js';
import { chooseHeaders, includes, kernelHeaders } from './headers.js';
import { generateHeaders } from './interfaces.js';
import { evaluate, macrosOf } from './numbers.js';
import { readRealModules } from './real-modules.js';
import { declarationsByName, kernelSymbols, neededSymbols } from './symbols.js';
import { typesOf } from './type-information.js';

const LIMIT = 2_500_000;

const INFO: FreebsdTargetInfo = {
  name: BUNDLED_FREEBSD,
  os: 'freebsd',
  arch: 'amd64',
  release: '14.2-RELEASE',
  osreldate: 1402000,
  version: 'FreeBSD 14.2-RELEASE releng/14.2-n269506-c8918d6c7412 GENERIC',
};

const folder = mkdtempSync(join(tmpdir(), 'modbox-freebsd-'));
try {
  await makeTarget(folder);
} finally {
  rmSync(folder, { recursive: true });
}

async function makeTarget(work: string): Promise<void> {
  const given = options();
  const generated = join(work, 'generated');
  generateHeaders(
    { sources: given.sources, interfaces: given.interfaces, headers: [given.generic, given.machine] },
    generated,
  );
  const own = import.meta.dirname;
  const searched = [generated, own, given.machine, given.generic, join(given.sources, 'contrib/ck/include')];
  const compiler = new Compiler(work, searched, INFO.osreldate);

  const all = kernelHeaders(given.generic, given.machine);
  const { refused, ...chosen } = chooseHeaders(compiler, all, console.log);
  const accepted = [...chosen.accepted];
  console.log(`${accepted.length} of ${all.length} headers`);
  for (const { path, why } of refused) console.log(`  without ${path}: ${why}`);

  const needed = neededSymbols(given.symbols);
  accepted.push('undeclared.h');
  const byHeaders = await declarationsOf(compiler, compiler.write('declared.c', includes(accepted)));
  compiler.write('generated/named.h', declarationsByName(needed, byHeaders));
  accepted.push('named.h');
  const declared = await declarationsOf(compiler, compiler.write('declared.c', includes(accepted)));
  console.log(`${declared.functions.size} functions, ${declared.variables.size} variables`);
  const types = typesOf(compiler, accepted, declared);

  const macros = evaluate(compiler, accepted, await macrosOf(compiler, accepted));
  const variables = [...declared.variables];
  const sizes = evaluate(
    compiler,
    accepted,
    new Map(variables.map((name) => [name, `sizeof(${name})`])),
    variables,
  );

  const modules = readRealModules(given.modules);
  const symbols = kernelSymbols({
    needed,
    declared,
    modules,
    sizes: new Map([...sizes].map(([name, size]) => [name, Number(size)])),
  });
  const untyped = needed.filter((name) => !declared.functions.has(name) && !declared.variables.has(name));
  console.log(
    `${symbols.length} symbols; no type for ${untyped.length} of ${needed.length} that modules need`,
  );
  // Firmware that no file has comes from ports: a kernel has none of its own.
  const builtin = [...modules.wanted]
    .filter(([name]) => !modules.provided.has(name) && !name.endsWith('_fw'))
    .sort();

  write({
    btf: types,
    symbols: encodeFreebsdSymbols(symbols),
    macros: encodeMacros(macros),
    modules: encodeModules(builtin.map(([name, version]) => ({ name, version }))),
  });
}

function write(parts: Readonly<Record<FreebsdPart, Uint8Array>>): void {
  const file = encodeTarget(
    { info: INFO, names: FREEBSD_PARTS, part: (name) => parts[name as FreebsdPart] },
    (part, name) => {
      const chunks = bundleCompressor(part, name);
      const packed = chunks.reduce((sum, chunk) => sum + chunk.packed.length, 0);
      console.log(`${name.padEnd(16)} ${String(part.length).padStart(8)} -> ${packed}`);
      return chunks;
    },
  );
  const path = bundledFile(BUNDLED_FREEBSD);
  if (file.length > LIMIT) throw new Error(`${path}: ${file.length} bytes, more than ${LIMIT}`);
  writeFileSync(path, file);
  console.log(`${path}: ${file.length} bytes`);
}

function options() {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      generic: string,
      machine: string,
      sources: string,
      interfaces: string,
      modules: string,
      symbols: string,
    },
  });
  const given = (name: keyof typeof values): string => {
    const value = values[name];
    if (value === undefined) throw new Error(`--${name} is missing: see the head of this file`);
    return value;
  };
  return {
    generic: given('generic'),
    machine: given('machine'),
    sources: given('sources'),
    interfaces: given('interfaces'),
    modules: given('modules'),
    symbols: given('symbols'),
  };
}
