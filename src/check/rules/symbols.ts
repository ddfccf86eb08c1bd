import { isGplCompatible } from '../../linux/module/license.js';
import type { Provided } from '../check-kernel.js';
import type { CheckedModule, Import } from '../checked-module.js';
import { isReadable } from '../checked-module.js';
import type { Reason } from '../reason.js';
import { isProprietary } from './origin.js';
import type { Case, ProvidedTogether } from './rule.js';

/** What the linker on x86 leaves in a symbol table, and the kernel does not look for (ignore_undef_symbol()). */
const IGNORED = '_GLOBAL_OFFSET_TABLE_';

/** The version of struct module, which the kernel looks at before all else (check_modstruct_version()). */
export function* checkModuleLayout({ content, kernel, reasons }: Case): Generator<Reason> {
  const found = kernel.own('module_layout')?.crc;
  if (!found || !content.versioned || content.layoutCrc === found) return;
  const mismatch = { wanted: content.layoutCrc, found, provider: undefined };
  yield reasons.version('module_layout', mismatch, 'ENOEXEC');
}

/** Every undefined symbol of the module: is it there, for this licence, of this version, from an imported namespace. */
export function* checkSymbols(c: Case): Generator<Reason> {
  for (const name of c.content.commonSymbols)
    yield {
      kind: 'common-symbol',
      symbol: name,
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `'${name}' is a common symbol, which the kernel does not place: compile with -fno-common`,
    };
  const proprietary = isProprietary(c) || usesProprietary(c);
  if (lacksVersions(c)) yield unversioned(c);
  for (const { symbol, provided } of c.needs) {
    if (symbol.name === IGNORED) continue;
    if (provided) yield* checkProvided(c, symbol, provided, proprietary);
    else if (!symbol.weak) yield c.reasons.missing(symbol.name);
  }
}

function* checkProvided(
  { content, reasons }: Case,
  symbol: Import,
  provided: Provided,
  proprietary: boolean,
): Generator<Reason> {
  const { crc, namespace, module, gplOnly } = provided;
  const provider = module?.name;
  if (gplOnly && proprietary) yield reasons.gplOnly(symbol.name, provider);
  if (crc && content.versioned && symbol.crc !== crc)
    yield reasons.version(symbol.name, { wanted: symbol.crc, found: crc, provider }, 'EINVAL');
  if (namespace !== '' && !content.modinfo.all('import_ns').includes(namespace))
    yield reasons.namespace(symbol.name, namespace);
}

/** Whether it takes anything from a proprietary module: it counts as one then (inherit_taint()). */
function usesProprietary({ needs }: Case): boolean {
  return needs.some(({ provided }) => {
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

function lacksVersions({ content, kernel, needs }: Case): boolean {
  return !content.versioned && kernel.target.config.has('CONFIG_MODVERSIONS') && needs.length > 0;
}

function unversioned({ kernel }: Case): Reason {
  const text = 'it has no symbol versions: built without CONFIG_MODVERSIONS, or without a Module.symvers';
  if (kernel.target.config.get('CONFIG_MODULE_FORCE_LOAD') === 'y')
    return { kind: 'versions', effect: 'taints', taint: 'F', text };
  return { kind: 'versions', effect: 'refused', errno: 'EINVAL', text };
}
