import type { FileSource } from '../../files/file-source.js';
import { ENODATA, strerror } from '../../linux/errno.js';
import type { KmodElf } from '../kmod-elf.js';
import { KmodError } from '../kmod-error.js';
import { moduleOf, openModule } from '../open-module.js';
import type { ModuleOnDisk } from './search.js';

/**
 * What depmod needs to know of a module's file. Plain data, so that it can be kept and passed between threads; all
 * text is byte text. CRCs are rounded to what a number holds: they are compared and nothing else, and have 32 bits.
 */
export interface ModuleFacts {
  readonly aliases: readonly string[];
  readonly softdeps: readonly string[];
  readonly weakdeps: readonly string[];
  readonly exports: readonly string[];
  readonly exportCrcs: readonly number[];
  /** Symbols that it needs. */
  readonly needs: readonly string[];
  readonly needCrcs: readonly number[];
  /** Which of `needs` are weak, by place. */
  readonly weakNeeds: readonly number[];
  /** Why its symbols cannot be read, as strerror(3) says it. */
  readonly problem?: string;
  /** What libkmod's log says of a file that it could not unpack, each time it tries. */
  readonly complaint?: string;
}

/** One string for each name, however many modules have it: most names of symbols are in hundreds of them. */
export class Names {
  private readonly known = new Map<string, string>();

  intern(name: string): string {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    this.known.set(name, name);
    return name;
  }
}

/** Facts of a module's file as it is on the disk, packed or not; what is wrong with it is one of the facts. */
export function factsOfFile(packed: Uint8Array, path: string, names: Names): ModuleFacts {
  try {
    return factsOfModule(moduleOf(packed, path), names);
  } catch (error) {
    return factsOfFailure(error);
  }
}

/** Reads facts of modules one after the other. */
export function readFacts(files: FileSource, modules: readonly ModuleOnDisk[]): ModuleFacts[] {
  const names = new Names();
  return modules.map(({ file }) => {
    try {
      return factsOfModule(openModule(files, file), names);
    } catch (error) {
      return factsOfFailure(error);
    }
  });
}

/** Facts of a module that could not be opened, unpacked or read; an error of modbox itself is thrown on. */
export function factsOfFailure(error: unknown): ModuleFacts {
  if (!(error instanceof KmodError)) throw error;
  return {
    aliases: [],
    softdeps: [],
    weakdeps: [],
    exports: [],
    exportCrcs: [],
    needs: [],
    needCrcs: [],
    weakNeeds: [],
    problem: strerror(error.errno),
    ...(error.complaint ? { complaint: error.complaint.text } : {}),
  };
}

/** As depmod asks libkmod: each of the three may fail, and only for the exported symbols is that said. */
function factsOfModule(module: KmodElf, names: Names): ModuleFacts {
  let problem: string | undefined;
  const exported = orElse(
    () => module.exports(),
    (errno) => {
      if (errno !== ENODATA) problem = strerror(errno);
    },
  );
  const modinfo = orElse(() => module.modinfoStrings());
  const needed = orElse(() => module.dependencySymbols());
  return {
    aliases: valuesOf(modinfo, 'alias'),
    softdeps: valuesOf(modinfo, 'softdep'),
    weakdeps: valuesOf(modinfo, 'weakdep'),
    exports: exported.map(({ name }) => names.intern(name)),
    exportCrcs: exported.map(({ crc }) => Number(crc)),
    needs: needed.map(({ name }) => names.intern(name)),
    needCrcs: needed.map(({ crc }) => Number(crc)),
    weakNeeds: needed.flatMap(({ bind }, i) => (bind === 'weak' ? [i] : [])),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Values of a key; a string without '=' is for libkmod a key with an empty value. */
function valuesOf(strings: readonly string[], key: string): string[] {
  return strings
    .filter((text) => text === key || text.startsWith(`${key}=`))
    .map((text) => text.slice(key.length + 1));
}

/** What a part of a module has, or nothing where that part is damaged or missing. */
function orElse<T>(read: () => readonly T[], failed?: (errno: number) => void): readonly T[] {
  try {
    return read();
  } catch (error) {
    failed?.(errnoOf(error));
    return [];
  }
}

function errnoOf(error: unknown): number {
  if (error instanceof KmodError) return error.errno;
  throw error;
}
