import { isGplCompatible } from '../../linux/module/license.js';
import type { Provided } from '../check-kernel.js';
import type { CheckedModule, Import } from '../checked-module.js';
import { isReadable } from '../checked-module.js';
import type { Reason, SymbolElsewhere } from '../reason.js';
import { isProprietary } from './origin.js';
import type { Case, ProvidedTogether } from './rule.js';

/** What the linker on x86 leaves in a symbol table, and the kernel does not look for (ignore_undef_symbol()). */
const IGNORED = '_GLOBAL_OFFSET_TABLE_';

/** The version of struct module, which the kernel looks at before all else (check_modstruct_version()). */
export function* checkModuleLayout(c: Case): Generator<Reason> {
  const found = c.kernel.target.exports.get('module_layout')?.crc;
  if (!found || !c.content.versioned || c.content.layoutCrc === found) return;
  yield versionReason(
    c,
    'module_layout',
    { wanted: c.content.layoutCrc, found, provider: undefined },
    'ENOEXEC',
  );
}

/** Every undefined symbol of the module: is it there, for this licence, of this version, from an imported namespace. */
export function* checkSymbols(c: Case): Generator<Reason> {
  for (const name of c.content.commonSymbols)
    yield {
      kind: 'missing-symbol',
      symbol: name,
      internal: false,
      elsewhere: [],
      nearest: [],
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `'${name}' is a common symbol, which the kernel does not place`,
      log: `${c.module.name}: please compile with -fno-common`,
    };
  const proprietary = isProprietary(c) || usesProprietary(c);
  if (lacksVersions(c)) yield unversioned(c);
  for (const symbol of c.content.imports) {
    if (symbol.name === IGNORED) continue;
    const provided = c.provider(symbol.name);
    if (provided) yield* checkProvided(c, symbol, provided, proprietary);
    else if (!symbol.weak) yield missing(c, symbol.name);
  }
}

function* checkProvided(
  c: Case,
  symbol: Import,
  provided: Provided,
  proprietary: boolean,
): Generator<Reason> {
  const { name } = symbol;
  const provider = provided.module?.name;
  if (provided.gplOnly && proprietary)
    yield {
      kind: 'gpl-only',
      symbol: name,
      provider,
      effect: 'refused',
      errno: 'ENOENT',
      text: `'${name}' is exported for GPL-compatible modules only`,
      log: `${c.module.name}: Unknown symbol ${name} (err -2)`,
    };
  if (provided.crc && c.content.versioned && symbol.crc !== provided.crc)
    yield versionReason(c, name, { wanted: symbol.crc, found: provided.crc, provider }, 'EINVAL');
  const { namespace } = provided;
  if (namespace !== '' && !c.content.modinfo.all('import_ns').includes(namespace))
    yield {
      kind: 'namespace',
      symbol: name,
      namespace,
      effect: 'refused',
      errno: 'EINVAL',
      text: `'${name}' is in the namespace ${namespace}, which the module does not import: MODULE_IMPORT_NS(${namespace})`,
      log: `${c.module.name}: module uses symbol (${name}) from namespace ${namespace}, but does not import it.`,
    };
}

/** Whether it takes anything from a proprietary module: it counts as one then (inherit_taint()). */
function usesProprietary(c: Case): boolean {
  return c.content.imports.some(({ name }) => {
    const provided = c.provider(name);
    if (!provided?.module) return false;
    return isTogether(provided)
      ? isProprietaryModule(provided.together)
      : !isGplCompatible(provided.module.license);
  });
}

export function isTogether(provided: Provided | ProvidedTogether): provided is ProvidedTogether {
  return 'together' in provided;
}

function isProprietaryModule({ content }: CheckedModule): boolean {
  return isReadable(content) && isProprietary({ content });
}

function lacksVersions(c: Case): boolean {
  return (
    !c.content.versioned && c.kernel.target.config.has('CONFIG_MODVERSIONS') && c.content.imports.length > 0
  );
}

function unversioned({ kernel }: Case): Reason {
  const text = 'it has no symbol versions: built without CONFIG_MODVERSIONS, or without a Module.symvers';
  if (kernel.target.config.get('CONFIG_MODULE_FORCE_LOAD') === 'y')
    return { kind: 'versions', effect: 'taints', taint: 'F', text };
  return { kind: 'versions', effect: 'refused', errno: 'EINVAL', text };
}

interface Mismatch {
  readonly wanted: number | undefined;
  readonly found: number;
  readonly provider: string | undefined;
}

function versionReason(c: Case, symbol: string, mismatch: Mismatch, errno: 'EINVAL' | 'ENOEXEC'): Reason {
  const { wanted, found, provider } = mismatch;
  const lacking = wanted === undefined;
  const changes = provider === undefined && !lacking ? c.changes(symbol) : undefined;
  const where = provider === undefined ? 'this kernel' : `module ${provider}`;
  return {
    kind: 'version',
    symbol,
    ...mismatch,
    changes,
    effect: 'refused',
    errno,
    text: lacking
      ? `it has no version of '${symbol}'`
      : `'${symbol}' has version ${crcText(found)} in ${where}, it was built against ${crcText(wanted)}`,
    log: lacking
      ? `${c.module.name}: no symbol version for ${symbol}`
      : `${c.module.name}: disagrees about version of symbol ${symbol}`,
  };
}

function crcText(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}

function missing(c: Case, symbol: string): Reason {
  const { target } = c.kernel;
  const internal = target.symbols.lookup(symbol) !== undefined;
  const elsewhere = c.elsewhere(symbol);
  const nearest = internal ? [] : c.kernel.nearest(symbol);
  const hints = [
    ...(internal ? ['the kernel has it, but does not export it'] : []),
    ...(target.modules ? [] : ['which modules came with this kernel is not known']),
    ...elsewhere.flatMap((other) => elsewhereText(other) ?? []),
    ...(nearest.length > 0 ? [`like it: ${nearest.join(', ')}`] : []),
  ];
  return {
    kind: 'missing-symbol',
    symbol,
    internal,
    elsewhere,
    nearest,
    effect: 'refused',
    errno: 'ENOENT',
    text: `nobody exports '${symbol}'${hints.map((hint) => `; ${hint}`).join('')}`,
    log: `${c.module.name}: Unknown symbol ${symbol} (err -2)`,
  };
}

/** That the kernel which the module was built for has the symbol goes without saying; that a module has it does not. */
function elsewhereText({ target, module, option }: SymbolElsewhere): string | undefined {
  if (module === undefined) return undefined;
  const configured = option === undefined ? '' : ` (${option}, which this kernel is configured without)`;
  return `module ${module} of ${target} exports it${configured}`;
}
