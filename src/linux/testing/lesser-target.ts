import type { ExportedSymbol, LinuxTarget } from '../../target/index.js';
import { TargetError } from '../../target/index.js';
import { configured } from './configured.js';

/** What a kernel lacks, besides options: `STRUCT.PATH` of members, names of symbols. */
export interface Lacking {
  readonly options?: Readonly<Record<string, string | undefined>>;
  readonly members?: readonly string[];
  readonly symbols?: readonly string[];
  /** Members that are there instead, each with one of the struct's own whose place and type it has. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** The bundled kernel as one of another configuration: what other options take away is not there. */
export function lesserTarget({
  options = {},
  members = [],
  symbols = [],
  instead = {},
}: Lacking): LinuxTarget {
  const target = configured(options);
  const isHidden = (struct: unknown, path: string): boolean =>
    members.some((hidden) => `${String(struct)}.${path}.`.startsWith(`${hidden}.`));
  const known = target.types;
  const types = Object.create(known) as typeof known;
  const real = (struct: unknown, path: string): string => instead[`${String(struct)}.${path}`] ?? path;
  types.findField = (struct, path) =>
    isHidden(struct, path) ? undefined : known.findField(struct, real(struct, path));
  types.field = (struct, path) => {
    if (isHidden(struct, path)) throw new TargetError(`${target.name} has no ${String(struct)}.${path}`);
    return known.field(struct, real(struct, path));
  };
  const gone = new Set(symbols);
  return { ...target, types, exports: without(target.exports, gone), symbols: hiding(target.symbols, gone) };
}

function without(
  exports: ReadonlyMap<string, ExportedSymbol>,
  gone: ReadonlySet<string>,
): ReadonlyMap<string, ExportedSymbol> {
  return new Map([...exports].filter(([name]) => !gone.has(name)));
}

function hiding(symbols: LinuxTarget['symbols'], gone: ReadonlySet<string>): LinuxTarget['symbols'] {
  const fewer = Object.create(symbols) as LinuxTarget['symbols'];
  fewer.lookup = (name) => (gone.has(name) ? undefined : symbols.lookup(name));
  return fewer;
}

/** The kernel without CONFIG_MODVERSIONS: exports have no versions, and the vermagic says so. */
export function withoutVersions(): LinuxTarget {
  const target = configured({ CONFIG_MODVERSIONS: undefined });
  const exports = new Map([...target.exports].map(([name, symbol]) => [name, { ...symbol, crc: 0 }]));
  return { ...target, exports, vermagic: target.vermagic.replace('modversions ', '') };
}
