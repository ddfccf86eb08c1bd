import { decodeUtf8 } from './string-table.js';

/** One `key=value` of a module's `.modinfo`. */
export interface ModinfoEntry {
  readonly key: string;
  readonly value: string;
}

/**
 * The `.modinfo` section: NUL-terminated `key=value` strings in the order of the file, many keys (alias, parm,
 * depends, ...) more than once (include/linux/moduleinfo.h's MODULE_INFO as the compiler lays it out).
 * As in the kernel's get_next_modinfo, runs of NULs between strings are padding.
 */
export class Modinfo {
  constructor(readonly entries: readonly ModinfoEntry[]) {}

  /** The first value of `key`, as the kernel's get_modinfo gives it. */
  get(key: string): string | undefined {
    return this.entries.find((e) => e.key === key)?.value;
  }

  /** Every value of `key`, in order. */
  all(key: string): string[] {
    return this.entries.filter((e) => e.key === key).map((e) => e.value);
  }
}

/** Parses `.modinfo`. Nothing in it can be wrong: a string without `=` is a key with an empty value. */
export function parseModinfo(bytes: Uint8Array): Modinfo {
  return new Modinfo(splitStrings(bytes).map(parseEntry));
}

/** As the kernel's get_modinfo() looks for keys: a string without `=` is none. */
export function parseKernelModinfo(bytes: Uint8Array): Modinfo {
  const strings = splitStrings(bytes).filter((text) => text.includes('='));
  return new Modinfo(strings.map(parseEntry));
}

/** One module's entries of `modules.builtin.modinfo`. */
export interface BuiltinModinfo {
  readonly module: string;
  readonly modinfo: Modinfo;
}

/** Parses `modules.builtin.modinfo`: as `.modinfo`, each key with its module in front (`ext4.license=GPL`). */
export function parseBuiltinModinfo(bytes: Uint8Array): BuiltinModinfo[] {
  const modules = new Map<string, ModinfoEntry[]>();
  for (const text of splitStrings(bytes)) {
    const dot = text.indexOf('.');
    if (dot < 0) continue;
    const module = text.slice(0, dot);
    let entries = modules.get(module);
    if (entries === undefined) {
      entries = [];
      modules.set(module, entries);
    }
    entries.push(parseEntry(text.slice(dot + 1)));
  }
  return [...modules].map(([module, entries]) => ({ module, modinfo: new Modinfo(entries) }));
}

function splitStrings(bytes: Uint8Array): string[] {
  return decodeUtf8(bytes)
    .split('\0')
    .filter((text) => text !== '');
}

function parseEntry(text: string): ModinfoEntry {
  const equals = text.indexOf('=');
  return equals < 0
    ? { key: text, value: '' }
    : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}
