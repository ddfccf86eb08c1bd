import type { Sleepable } from '../../kernel/effects.js';
import type { BaseMachine } from '../base-machine.js';
import type { Io } from './io.js';
import { readAll } from './io.js';
import type { ShellFiles } from './system.js';

/** What a command is started with, on any system. */
export interface AppletContext {
  readonly machine: BaseMachine;
  readonly vfs: ShellFiles;
  /** Without the command's own name. */
  readonly args: readonly string[];
  readonly io: Io;
  /** The shell's variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a path absolute. */
  path(given: string): string;
  /** strerror of a negative error number. */
  message(result: number): string;
}

/** What `help` tells of a command. */
export interface CommandHelp {
  /** `cat [FILE]...` */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
}

/** A command of a machine's shell. `Context` is what the systems that have it start it with. */
export interface Applet<Context extends AppletContext = AppletContext> extends CommandHelp {
  readonly name: string;
  /** Knows `--help` itself. */
  readonly hasHelp?: boolean;
  /** Exit status. */
  run(context: Context): Sleepable<number>;
}

/** What a shell says when it starts a command. */
export type CommandCall = Pick<AppletContext, 'args' | 'io' | 'environment' | 'path'>;

/** A command as a shell sees it. */
export interface ShellCommand extends CommandHelp {
  readonly name: string;
  readonly hasHelp?: boolean;
  /** Gets ready to run once, with files of its own. */
  prepare(): PreparedCommand;
}

export interface PreparedCommand {
  readonly files: ShellFiles;
  run(call: CommandCall): Sleepable<number>;
}

/** Commands of a shell out of applets: `files` makes what a process has, `contextOf` adds what is the system's own. */
export function commandsOf<Context extends AppletContext, Files extends ShellFiles>(
  applets: Iterable<Applet<Context>>,
  files: () => Files,
  contextOf: (call: CommandCall, files: Files) => Context,
): ReadonlyMap<string, ShellCommand> {
  const prepare = (applet: Applet<Context>): PreparedCommand => {
    const own = files();
    return { files: own, run: (call) => applet.run(contextOf(call, own)) };
  };
  const commands = new Map<string, ShellCommand>();
  for (const applet of applets) {
    const { name, usage, summary, hasHelp = false } = applet;
    commands.set(name, { name, usage, summary, hasHelp, prepare: () => prepare(applet) });
  }
  return commands;
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
export function* readFile(vfs: ShellFiles, path: string): Sleepable<Uint8Array | number> {
  const fd = yield* vfs.openAs(path, 'read');
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
    if (typeof bytes === 'number') context.io.err(`${name}: ${file}: ${context.message(bytes)}\n`);
    found.push({ file, bytes: typeof bytes === 'number' ? undefined : bytes });
  }
  return found;
}
