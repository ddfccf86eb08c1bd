import { isDistrusted } from '../../linux/module/license.js';
import { moduleNameOf } from '../../target/module-table.js';
import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

/** A module of that name that is part of the kernel image already. */
export function* checkBuiltin({ module, kernel }: Case): Generator<Reason> {
  const { name } = module;
  if (!kernel.isBuiltin(name)) return;
  const path = kernel.target.builtinModules.find((builtin) => moduleNameOf(builtin) === name);
  yield {
    kind: 'built-in',
    effect: 'note',
    text: `this kernel has it built in (${path}): modprobe loads nothing`,
  };
}

/** Exports have versions where the kernel has them (check_module_license_and_versions()). */
export function* checkExportVersions({ module, content, kernel }: Case): Generator<Reason> {
  const { config } = kernel.target;
  if (config.has('CONFIG_MODVERSIONS') && content.unversionedExports) {
    const text = 'its exports have no versions, and those of this kernel have';
    if (config.get('CONFIG_MODULE_FORCE_LOAD') === 'y')
      yield { kind: 'versions', effect: 'taints', taint: 'F', text };
    else yield { kind: 'versions', effect: 'refused', errno: 'ENOEXEC', text };
  }
  if (isDistrusted(module.name))
    yield {
      kind: 'license',
      license: content.modinfo.get('license') ?? 'unspecified',
      effect: 'taints',
      taint: 'P',
      text: 'the kernel takes modules of this name for proprietary, whatever their licence says',
    };
}

/** Nobody else exports a symbol of that name (verify_exported_symbols()). */
export function* checkExports(c: Case): Generator<Reason> {
  const { content, kernel } = c;
  for (const { name } of content.exports) {
    yield* checkTogether(c, name);
    if (!kernel.target.exports.has(name)) continue;
    yield {
      kind: 'duplicate-symbol',
      symbol: name,
      owner: 'kernel',
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `it exports '${name}', which the kernel exports already`,
    };
  }
}

/** Of two modules that export one symbol the kernel takes the one that comes first; here that is the one named first. */
function* checkTogether({ module, exporters }: Case, symbol: string): Generator<Reason> {
  const others = exporters(symbol).filter(({ name }) => name !== module.name);
  if (others.length === 0) return;
  const isFirst = exporters(symbol)[0] === module;
  const owner = others[0].name;
  const subject = { kind: 'duplicate-symbol', symbol, owner } as const;
  const text = `it exports '${symbol}', which ${owner} exports too: of the two only one can be loaded`;
  if (isFirst) yield { ...subject, effect: 'note', text };
  else yield { ...subject, effect: 'refused', errno: 'ENOEXEC', text };
}
