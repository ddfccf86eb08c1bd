import { isDistrusted, isGplCompatible } from '../../linux/module/license.js';
import { mayUseNamespace } from '../../linux/module/namespaces.js';
import { isIgnoredSymbol } from '../../linux/module/odd-symbols.js';
import type { Versions } from '../../linux/module/version-forms.js';
import type { CheckKernel, Provided } from '../check-kernel.js';
import type { CheckedModule, Import, UnplacedSymbol } from '../checked-module.js';
import { isReadable } from '../checked-module.js';
import type { Reason } from '../reason.js';
import { isProprietary } from './origin.js';
import type { Case, ProvidedTogether } from './rule.js';
import type { Mismatch } from './symbol-reasons.js';

/** The version of struct module, which the kernel looks at before all else (check_modstruct_version()). */
export function* checkModuleLayout({ versions, kernel, reasons }: Case): Generator<Reason> {
  const found = kernel.own('module_layout')?.crc;
  const mismatch = mismatchOf(versions, 'module_layout', found, undefined);
  if (mismatch) yield reasons.version('module_layout', mismatch, 'ENOEXEC');
}

/** check_version(); undefined where the version fits, or where there are none to compare. */
function mismatchOf(
  versions: Versions,
  symbol: string,
  found: number | undefined,
  provider: string | undefined,
): Mismatch | undefined {
  if (!found || versions.form === 'none') return undefined;
  const wanted = versions.crcs.get(symbol);
  if (wanted === found || (wanted === undefined && versions.form === 'extended')) return undefined;
  return { wanted, found, provider };
}

/** Every undefined symbol of the module: is it there, for this licence, of this version, from an imported namespace. */
export function* checkSymbols(c: Case): Generator<Reason> {
  if (lacksVersions(c)) yield unversioned(c);
  const licence = { proprietary: isProprietary(c) || isDistrusted(c.module.name), usesGplOnly: false };
  const unplaced = [...c.content.unplaced];
  for (const { symbol, provided } of c.needs) {
    while (unplaced.length > 0 && unplaced[0].index < symbol.index) yield withoutPlace(unplaced.shift()!);
    if (isIgnoredSymbol(symbol.name)) continue;
    if (provided) {
      yield* checkLicence(c, symbol.name, provided, licence);
      yield* checkProvided(c, symbol, provided);
    } else if (!symbol.weak) yield c.reasons.missing(symbol.name);
  }
  for (const symbol of unplaced) yield withoutPlace(symbol);
}

function withoutPlace({ kind, name, line }: UnplacedSymbol): Reason {
  const text =
    kind === 'common-symbol'
      ? `'${name}' is a common symbol, which the kernel does not place: compile with -fno-common`
      : `symbol '${name}' is of a section that is not there`;
  return { kind, symbol: name, line, effect: 'refused', errno: 'ENOEXEC', text };
}

/** What became of the licence as the symbols are bound, one after the other. */
interface Licence {
  proprietary: boolean;
  usesGplOnly: boolean;
}

/** find_symbol() and inherit_taint(): who uses a proprietary module is proprietary, and must not use GPL-only symbols. */
function* checkLicence(c: Case, symbol: string, provided: Provided, licence: Licence): Generator<Reason> {
  const provider = provided.module?.name;
  if (provided.gplOnly && licence.proprietary) {
    // The kernel does not find it then, and asks nothing more about it.
    yield c.reasons.gplOnly(symbol, provider);
    return;
  }
  if (provided.gplOnly) licence.usesGplOnly = true;
  if (provider === undefined || !isOfProprietary(provided, c.kernel)) return;
  const common = { kind: 'proprietary-provider', symbol, provider } as const;
  if (licence.usesGplOnly)
    yield {
      ...common,
      effect: 'refused',
      errno: 'ENOENT',
      text: `it uses '${symbol}' of the proprietary module ${provider}, and symbols for GPL-compatible modules only as well`,
    };
  else if (!licence.proprietary)
    yield {
      ...common,
      effect: 'taints',
      taint: 'P',
      text: `it uses '${symbol}' of the proprietary module ${provider}, and counts as proprietary by that`,
    };
  licence.proprietary = true;
}

function isOfProprietary(provided: Provided | ProvidedTogether, kernel: CheckKernel): boolean {
  if (isTogether(provided)) return isProprietaryModule(provided.together, kernel);
  return provided.module !== undefined && !isGplCompatible(provided.module.license);
}

function* checkProvided(c: Case, symbol: Import, provided: Provided): Generator<Reason> {
  const { module, content, versions, reasons } = c;
  const mismatch = mismatchOf(versions, symbol.name, provided.crc, provided.module?.name);
  if (mismatch) yield reasons.version(symbol.name, mismatch, 'EINVAL');
  const { namespace } = provided;
  if (!mayUseNamespace({ name: module.name, modinfo: content.modinfo }, namespace))
    yield reasons.namespace(symbol.name, namespace);
}

export function isTogether(provided: Provided | ProvidedTogether): provided is ProvidedTogether {
  return 'together' in provided;
}

function isProprietaryModule({ content }: CheckedModule, kernel: CheckKernel): boolean {
  return isReadable(content) && isProprietary({ content, kernel });
}

function lacksVersions({ versions, kernel, needs }: Case): boolean {
  return versions.form === 'none' && kernel.target.config.has('CONFIG_MODVERSIONS') && needs.length > 0;
}

function unversioned({ kernel }: Case): Reason {
  const text = 'it has no symbol versions: built without CONFIG_MODVERSIONS, or without a Module.symvers';
  if (kernel.target.config.get('CONFIG_MODULE_FORCE_LOAD') === 'y')
    return { kind: 'versions', effect: 'taints', taint: 'F', text };
  return { kind: 'versions', effect: 'refused', errno: 'EINVAL', text };
}
