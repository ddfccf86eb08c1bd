import { Btf } from '../formats/btf/index.js';
import { FormatError } from '../formats/format-error.js';
import { decodeUtf8 } from '../formats/string-table.js';
import { decodeFreebsdSymbols } from './freebsd-symbols.js';
import { type FreebsdPart, type FreebsdTarget, isFreebsdInfo, type KernelModule } from './freebsd-target.js';
import type { TargetParts } from './parts.js';
import { lacking, TargetError } from './target-error.js';

/** A FreeBSD target over its parts. Each part is opened and decoded at the first question that needs it. Throws TargetError. */
export function openFreebsdTarget(parts: TargetParts): FreebsdTarget {
  const { info } = parts;
  if (!isFreebsdInfo(info))
    throw new TargetError(`${info.name}: its file does not tell architecture, osreldate and version`);
  const lazy = <T>(name: FreebsdPart, decode: (bytes: Uint8Array, file: string) => T): (() => T) => {
    let value: { readonly decoded: T } | undefined;
    return () => {
      value ??= { decoded: decode(parts.part(name), `${info.name}: ${name}`) };
      return value.decoded;
    };
  };
  const types = lazy('btf', (bytes, file) => Btf.parse(bytes, file, 8, (what) => lacking(info.name, what)));
  const exports = lazy('symbols', decodeFreebsdSymbols);
  const macros = lazy('macros', decodeMacros);
  const modules = lazy('modules', decodeModules);
  return {
    ...info,
    get types() {
      return types();
    },
    get exports() {
      return exports();
    },
    get macros() {
      return macros();
    },
    get builtinModules() {
      return modules();
    },
  };
}

/** The stored form: a line for each, name and value between a tab, in order of name. */
export function encodeMacros(macros: ReadonlyMap<string, bigint>): Uint8Array {
  const sorted = [...macros].sort(([a], [b]) => (a < b ? -1 : 1));
  return encodeLines(sorted.map(([name, value]) => [name, String(value)]));
}

function decodeMacros(bytes: Uint8Array, file: string): ReadonlyMap<string, number | bigint> {
  return new Map(decodeLines(bytes, file).map(([name, value]) => [name, numberOf(value, file)]));
}

/** The stored form: name and version between a tab. */
export function encodeModules(modules: readonly KernelModule[]): Uint8Array {
  return encodeLines(modules.map(({ name, version }) => [name, String(version)]));
}

function decodeModules(bytes: Uint8Array, file: string): readonly KernelModule[] {
  return decodeLines(bytes, file).map(([name, version]) => ({ name, version: Number(version) }));
}

/** A bigint only where a number does not hold it. */
function numberOf(text: string, file: string): number | bigint {
  if (!/^-?\d+$/.test(text)) throw new FormatError(file, 'macros', 0, `'${text}' is no number`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

const encodeLines = (lines: readonly (readonly [string, string])[]): Uint8Array =>
  new TextEncoder().encode(lines.map((fields) => `${fields.join('\t')}\n`).join(''));

function decodeLines(bytes: Uint8Array, file: string): [string, string][] {
  const lines = decodeUtf8(bytes).split('\n').slice(0, -1);
  return lines.map((line, i) => {
    const [name, value, more] = line.split('\t');
    if (value === undefined || more !== undefined)
      throw new FormatError(file, `line ${i + 1}`, 0, 'not a name and a number');
    return [name, value];
  });
}
