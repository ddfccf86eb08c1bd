import type { Sleepable } from '../../../kernel/effects.js';
import { ENOENT, strerror } from '../../../linux/errno.js';
import type { Vfs } from '../../../linux/fs/vfs.js';
import type { Machine } from '../machine.js';
import type { Io } from '../shell/io.js';
import { readAll } from '../shell/io.js';

/** What a command is started with. */
export interface AppletContext {
  readonly machine: Machine;
  readonly vfs: Vfs;
  /** Without the command's own name. */
  readonly args: readonly string[];
  readonly io: Io;
  /** The shell's variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a path absolute. */
  path(given: string): string;
  /** Every command there is. */
  readonly applets: ReadonlyMap<string, Applet>;
}

/** A command of the machine's shell. */
export interface Applet {
  readonly name: string;
  /** `cat [FILE]...` */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  /** Knows `--help` itself. */
  readonly hasHelp?: boolean;
  /** Exit status. */
  run(context: AppletContext): Sleepable<number>;
}

/** Wrong options or operands: usage goes to stderr, the status is 2 (1 for kmod's tools). */
export class AppletUsageError extends Error {
  override readonly name = 'AppletUsageError';
}

export interface Flags {
  readonly flags: ReadonlySet<string>;
  /** Options with values, by name. */
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

/**
 * Splits arguments into options and operands, as getopt(3): `known` names the options, those that take a
 * value with '=' behind. Long names may stand for short ones: `{ v: 'verbose' }`.
 */
export function parseFlags(
  args: readonly string[],
  known: readonly string[],
  long: Readonly<Record<string, string>> = {},
  options: { readonly stopAtOperand?: boolean } = {},
): Flags {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  const takesValue = (name: string): boolean => known.includes(`${name}=`);
  const isKnown = (name: string): boolean => known.includes(name) || takesValue(name);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    const value = (given: string | undefined, name: string): string => {
      const text = given ?? args[++at];
      if (text === undefined) throw new AppletUsageError(`option requires an argument -- '${name}'`);
      return text;
    };
    if (arg === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [word, given] = splitOnce(arg.slice(2), '=');
      const name = Object.entries(long).find(([, full]) => full === word)?.[0] ?? word;
      if (!isKnown(name)) throw new AppletUsageError(`unrecognized option '--${word}'`);
      if (takesValue(name)) values.set(name, value(given, word));
      else flags.add(name);
    } else if (arg.startsWith('-') && arg.length > 1) {
      for (let i = 1; i < arg.length; i++) {
        const name = arg[i];
        if (!isKnown(name)) throw new AppletUsageError(`invalid option -- '${name}'`);
        if (!takesValue(name)) {
          flags.add(name);
          continue;
        }
        values.set(name, value(i + 1 < arg.length ? arg.slice(i + 1) : undefined, name));
        break;
      }
    } else if (options.stopAtOperand) {
      operands.push(...args.slice(at));
      break;
    } else operands.push(arg);
  }
  return { flags, values, operands };
}

function splitOnce(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + by.length)];
}

/** Content of a file of the machine, or a negative error number. */
export function* readFile(vfs: Vfs, path: string): Sleepable<Uint8Array | number> {
  const fd = yield* vfs.open(path, 0);
  if (fd < 0) return fd;
  const bytes = yield* readAll(vfs, fd);
  yield* vfs.close(fd);
  return bytes;
}

/** Input of a filter: the files named, or standard input. Errors are told; undefined for each that failed. */
export function* inputs(
  context: AppletContext,
  name: string,
  files: readonly string[],
): Sleepable<{ readonly file: string; readonly bytes: Uint8Array | undefined }[]> {
  const found: { file: string; bytes: Uint8Array | undefined }[] = [];
  for (const file of files.length > 0 ? files : ['-']) {
    const bytes = file === '-' ? yield* context.io.read() : yield* readFile(context.vfs, context.path(file));
    if (typeof bytes === 'number') context.io.err(`${name}: ${file}: ${message(bytes)}\n`);
    found.push({ file, bytes: typeof bytes === 'number' ? undefined : bytes });
  }
  return found;
}

/** strerror of a negative error number. */
export function message(result: number): string {
  return strerror(-result);
}

/** A module's file: of the machine's tree, else of the host's, where the machine was given that. */
export function* readModuleFile(context: AppletContext, file: string): Sleepable<Uint8Array | number> {
  const own = yield* readFile(context.vfs, context.path(file));
  if (typeof own !== 'number') return own;
  return context.machine.hostFiles?.read(file) ?? (own || -ENOENT);
}
