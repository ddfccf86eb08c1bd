import { readFileSync } from 'node:fs';
import type { FreebsdSymbol, FreebsdSymbolKind } from '../../src/target/freebsd-target.js';
import type { Declarations } from './declarations.js';
import type { RealModules } from './real-modules.js';

/** amd64's KERNLOAD above KERNBASE (sys/amd64/include/vmparam.h): the kernel's first byte. */
const TEXT_START = 0xffffffff80200000n;
/** A function of the table is a place to call, not code: what follows it is the next. */
const FUNCTION_BYTES = 16;
const DATA_ALIGN = 64;
const PAGE = 4096n;
/** For variables whose type no header tells. */
const UNKNOWN_SIZE = 256;

/** Which names are the kernel's, and of what kind. */
export interface KernelNames {
  readonly needed: readonly string[];
  readonly declared: Declarations;
  readonly modules: RealModules;
  /** Bytes of the variables, where their type is complete. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Symbols that the modules need of the kernel, of the table (`count symbol provider`); what the linker makes of each module's sets is left out. */
export function neededSymbols(tsv: string): string[] {
  return readFileSync(tsv, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter(([, name, provider]) => provider === 'kernel' && !/^__(start|stop)_set_/.test(name))
    .map(([, name]) => name)
    .sort();
}

/** Variables whose names tell their type: the macros that define them make the names. */
const TYPES_BY_NAME: readonly { readonly name: RegExp; readonly declare: (name: string) => string }[] = [
  // METHOD of the .m files, by tools/makeobjops.awk; vnode_if.h declares those of vop_.
  { name: /^(?!vop_)\w+_desc$/, declare: (name) => `extern struct kobjop_desc ${name};` },
  // SYSCTL_DECL of sys/sysctl.h.
  { name: /^sysctl__\w+$/, declare: (name) => `extern struct sysctl_oid ${name};` },
  // MALLOC_DECLARE of sys/malloc.h.
  { name: /^M_[A-Z0-9_]+$/, declare: (name) => `extern struct malloc_type ${name}[1];` },
];

/** Declarations, as lines of C, of those names that no header declares and whose types the names tell. */
export function declarationsByName(
  names: readonly string[],
  { functions, variables }: Declarations,
): string[] {
  return names.flatMap((name) => {
    if (functions.has(name) || variables.has(name)) return [];
    return TYPES_BY_NAME.flatMap((rule) => (rule.name.test(name) ? [rule.declare(name)] : []));
  });
}

/**
 * The symbols with addresses of our own: functions by name from the start of the text, then data by name. The same names
 * give the same addresses.
 */
export function kernelSymbols(names: KernelNames): FreebsdSymbol[] {
  const { declared, modules } = names;
  const needed = new Set(names.needed);
  const offered = [...declared.functions.keys(), ...declared.variables].filter(
    (name) => !modules.defined.has(name),
  );
  const all = [...new Set([...needed, ...offered])].sort();
  const kinds = new Map(all.map((name) => [name, kindOf(name, names)]));
  const ofKind = (kind: FreebsdSymbolKind): string[] => all.filter((name) => kinds.get(name) === kind);
  const symbols: FreebsdSymbol[] = [];
  let address = TEXT_START;
  const place = (name: string, kind: FreebsdSymbolKind, size: number, align: number): void => {
    address = roundUp(address, BigInt(align));
    symbols.push({ name, address, size, kind });
    address += BigInt(Math.max(size, 1));
  };
  for (const name of ofKind('function')) place(name, 'function', FUNCTION_BYTES, FUNCTION_BYTES);
  for (const kind of ['data', 'vnet', 'pcpu'] as const) {
    address = roundUp(address, PAGE);
    for (const name of ofKind(kind)) place(name, kind, names.sizes.get(name) ?? UNKNOWN_SIZE, DATA_ALIGN);
  }
  return symbols.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By its declaration; without one, a symbol that code calls is a function, and any other data. */
function kindOf(name: string, { declared, modules }: KernelNames): FreebsdSymbolKind {
  if (declared.functions.has(name)) return 'function';
  // VNET_NAME and DPCPU_NAME of sys/vnet.h and sys/pcpu.h.
  if (name.startsWith('vnet_entry_')) return 'vnet';
  if (name.startsWith('pcpu_entry_')) return 'pcpu';
  if (declared.variables.has(name)) return 'data';
  return modules.called.has(name) ? 'function' : 'data';
}

const roundUp = (value: bigint, to: bigint): bigint => ((value + to - 1n) / to) * to;
