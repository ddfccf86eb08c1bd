import type { Sleepable } from '../../kernel/effects.js';
import type { CommandHelp } from './applet.js';
import { setTrap } from './exit-trap.js';
import { absolute } from './expand.js';
import type { Interpreter } from './interpreter.js';
import { Io } from './io.js';
import { parseScript } from './parser.js';
import type { Streams } from './redirect.js';
import { ExitShell, LeaveLoop, MISUSE, ReturnStatus } from './state.js';
import type { Script } from './syntax.js';
import { ShellSyntaxError } from './syntax-error.js';

export interface BuiltinCall {
  readonly shell: Interpreter;
  readonly args: readonly string[];
  readonly io: Io;
  readonly streams: Streams;
}

/** A command that is part of the shell. */
export interface Builtin {
  readonly usage: string;
  readonly summary: string;
  run(call: BuiltinCall): Sleepable<number>;
}

const NAME = /^[A-Za-z_]\w*$/;

function builtin(
  usage: string,
  summary: string,
  run: (call: BuiltinCall) => Sleepable<number> | number,
): [string, Builtin] {
  const name = usage.split(' ')[0];
  return [
    name,
    {
      usage,
      summary,
      *run(call) {
        const result = run(call);
        return typeof result === 'number' ? result : yield* result;
      },
    },
  ];
}

/** Every command that is part of the shell. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map([
  builtin(': [WORD]...', 'Does nothing.', () => 0),
  builtin('. FILE', 'Runs the commands of a file in this shell.', (call) => runFile('.', call)),
  builtin('source FILE', 'Runs the commands of a file in this shell.', (call) => runFile('source', call)),
  builtin('sh [-c COMMANDS | FILE] [ARGUMENT]...', 'Runs commands in a shell of their own.', (call) =>
    runFile('sh', call),
  ),
  builtin('break [LEVELS]', 'Leaves a loop.', (call) => leave(call, false)),
  builtin('continue [LEVELS]', 'Goes on with the next turn of a loop.', (call) => leave(call, true)),
  builtin('cd [DIRECTORY]', 'Changes the directory.', changeDirectory),
  builtin('pwd', 'Prints the directory.', ({ shell, io }) => {
    io.out(`${shell.state.directory}\n`);
    return 0;
  }),
  builtin('command WORD...', 'Runs a command that no function hides.', ({ shell, args, streams }) =>
    args.length === 0 ? 0 : shell.run(args, new Map(), streams, false, { noFunctions: true }),
  ),
  builtin('eval WORD...', 'Runs its words as commands.', function* ({ shell, args, io, streams }) {
    const script = read(args.join(' '), io, 'eval');
    if (!script) return MISUSE;
    shell.state.status = 0;
    yield* shell.script(script, streams);
    return shell.state.status;
  }),
  builtin(
    'exec [COMMAND]',
    'Runs a command in place of the shell, or redirects its own descriptors.',
    function* ({ shell, args, streams }) {
      // By itself it is about redirections, which the interpreter has made the shell's own.
      if (args.length === 0) return 0;
      throw new ExitShell(yield* shell.run(args, new Map(), streams));
    },
  ),
  builtin('exit [STATUS]', 'Leaves the shell.', ({ shell, args, io }) => {
    throw new ExitShell(statusOf(args, shell, io));
  }),
  builtin('return [STATUS]', 'Leaves a function or a file.', ({ shell, args, io }) => {
    throw new ReturnStatus(statusOf(args, shell, io));
  }),
  builtin('export [NAME[=VALUE]]...', 'Gives variables to commands.', ({ shell: { state }, args, io }) => {
    const names = args.filter((arg) => arg !== '-p');
    if (names.length === 0)
      for (const name of [...state.exported].sort())
        io.out(`export ${name}=${quoted(state.variables.get(name) ?? '')}\n`);
    return eachName('export', names, io, (name, value) => {
      if (value !== undefined) state.set(name, value);
      state.exported.add(name);
    });
  }),
  builtin('unset [-f] NAME...', 'Forgets variables, or functions.', ({ shell: { state }, args }) => {
    const names = args.filter((arg) => arg !== '-v' && arg !== '-f');
    for (const name of names) {
      if (args[0] === '-f') state.functions.delete(name);
      else {
        state.variables.delete(name);
        state.exported.delete(name);
      }
    }
    return 0;
  }),
  builtin('local NAME[=VALUE]...', "Makes variables a function's own.", ({ shell: { state }, args, io }) => {
    const scope = state.locals.at(-1);
    if (!scope) {
      io.err('sh: local: not in a function\n');
      return MISUSE;
    }
    return eachName('local', args, io, (name, value) => {
      if (!scope.has(name)) scope.set(name, state.variables.get(name));
      state.set(name, value ?? '');
    });
  }),
  builtin('shift [N]', 'Takes parameters away.', ({ shell: { state }, args, io }) => {
    const count = Number(args[0] ?? 1);
    if (!Number.isInteger(count) || count < 0 || count > state.positional.length) {
      io.err(`sh: shift: ${args[0] ?? 1}: that many are not there\n`);
      return MISUSE;
    }
    state.positional = state.positional.slice(count);
    return 0;
  }),
  builtin('set [-eux] [+eux] [--] [WORD]...', 'Sets options and parameters, or lists variables.', setOptions),
  builtin('read [-r] [NAME]...', 'Reads a line into variables.', readLine),
  builtin('trap [COMMANDS EXIT]', 'Sets what is run when the shell ends.', setTrap),
  builtin('type NAME...', 'Says what a name is.', ({ shell, args, io }) => {
    let status = 0;
    for (const name of args) {
      const kind = shell.state.functions.has(name)
        ? 'a function'
        : BUILTINS.has(name)
          ? 'part of the shell'
          : shell.outside(name) && 'a command';
      if (kind) io.out(`${name} is ${kind}\n`);
      else {
        io.err(`sh: type: ${name}: not found\n`);
        status = 1;
      }
    }
    return status;
  }),
  builtin('wait', 'Waits for what runs in the background.', function* ({ shell }) {
    for (const job of shell.state.jobs.splice(0)) yield* shell.processes.wait(job);
    return 0;
  }),
  builtin('help [COMMAND]...', 'Lists the commands, or tells of one.', ({ shell, args, io }) => {
    const known = new Map<string, CommandHelp>([...shell.context.system.commands, ...BUILTINS]);
    let status = 0;
    for (const name of args.length > 0 ? args : known.keys()) {
      const found = known.get(name);
      if (found && args.length > 0) io.out(`usage: ${found.usage}\n${found.summary}\n`);
      else if (found) io.out(`${found.usage.padEnd(44)} ${found.summary}\n`);
      else {
        io.err(`sh: help: no command '${name}'\n`);
        status = 1;
      }
    }
    return status;
  }),
]);

/** The script that a text is; undefined, and told, where it cannot be read. */
export function read(text: string, io: Io, name: string): Script | undefined {
  try {
    return parseScript(text);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    io.err(`${name}: ${error.describe(text)}\n`);
    return undefined;
  }
}

function statusOf(args: readonly string[], shell: Interpreter, io: Io): number {
  const [text] = args;
  if (text === undefined) return shell.state.status;
  if (/^\d+$/.test(text)) return Number(text) & 0xff;
  io.err(`sh: Illegal number: ${text}\n`);
  return MISUSE;
}

function leave({ shell, args, io }: BuiltinCall, again: boolean): number {
  const levels = Number(args[0] ?? 1);
  if (!Number.isInteger(levels) || levels < 1) {
    io.err(`sh: Illegal number: ${args[0]}\n`);
    return MISUSE;
  }
  if (shell.state.loops > 0) throw new LeaveLoop(levels, again);
  return 0;
}

function eachName(
  command: string,
  args: readonly string[],
  io: Io,
  take: (name: string, value: string | undefined) => void,
): number {
  let status = 0;
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (NAME.test(name)) take(name, equals < 0 ? undefined : arg.slice(equals + 1));
    else {
      io.err(`sh: ${command}: ${name}: bad variable name\n`);
      status = MISUSE;
    }
  }
  return status;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function setOptions({ shell: { state }, args, io }: BuiltinCall): number {
  if (args.length === 0)
    for (const [name, value] of [...state.variables].sort()) io.out(`${name}=${quoted(value)}\n`);
  let at = 0;
  for (; at < args.length && /^[-+]./.test(args[at]) && args[at] !== '--'; at++)
    for (const letter of args[at].slice(1)) {
      if (!'eux'.includes(letter)) {
        io.err(`sh: set: illegal option ${args[at][0]}${letter}\n`);
        return MISUSE;
      }
      if (args[at].startsWith('-')) state.flags.add(letter);
      else state.flags.delete(letter);
    }
  const ended = args[at] === '--';
  if (ended || at < args.length) state.positional = args.slice(ended ? at + 1 : at);
  return 0;
}

/** A line of the input, byte by byte: the rest is for who reads next. */
function* readLine({ shell: { state }, args, io }: BuiltinCall): Sleepable<number> {
  const raw = args[0] === '-r';
  const names = raw ? args.slice(1) : args;
  const bytes: number[] = [];
  let ended = false;
  for (;;) {
    const some = yield* io.readSome(1);
    if (typeof some === 'number' || some.length === 0) {
      ended = true;
      break;
    }
    if (some[0] === 10 && (raw || bytes.at(-1) !== 92)) break;
    if (some[0] === 10) bytes.pop();
    else bytes.push(some[0]);
  }
  let text = new TextDecoder().decode(Uint8Array.from(bytes)).trim();
  if (!raw) text = text.replace(/\\(.)/g, '$1');
  const targets = names.length > 0 ? names : ['REPLY'];
  for (const [i, name] of targets.entries()) {
    const end = i === targets.length - 1 ? -1 : text.search(/\s/);
    state.set(name, end < 0 ? text : text.slice(0, end));
    text = end < 0 ? '' : text.slice(end).trimStart();
  }
  return ended ? 1 : 0;
}

function* runFile(name: string, { shell, args, io, streams }: BuiltinCall): Sleepable<number> {
  const inline = name === 'sh' && args[0] === '-c';
  const { context, vfs } = shell;
  const { system, terminal } = context;
  let text = args[1] ?? '';
  let parameters = args.slice(1);
  let called = args[0] ?? name;
  if (inline) {
    parameters = args.slice(3);
    called = args[2] ?? 'sh';
  } else if (args.length === 0 && name === 'sh') {
    const bytes = yield* io.read();
    text = typeof bytes === 'number' ? '' : new TextDecoder().decode(bytes);
  } else {
    const fd = yield* vfs.openAs(absolute(args[0] ?? '', shell.state.directory), 'read');
    if (fd < 0) {
      io.err(`sh: ${name}: can't open '${args[0] ?? ''}': ${system.strerror(-fd)}\n`);
      return MISUSE;
    }
    const source = { kind: 'file', fd } as const;
    const bytes = yield* new Io(vfs, terminal, source, streams.stdout, streams.stderr).read();
    yield* vfs.close(fd);
    if (typeof bytes === 'number') {
      io.err(`sh: ${name}: can't read '${args[0]}': ${system.strerror(-bytes)}\n`);
      return MISUSE;
    }
    text = new TextDecoder().decode(bytes);
  }
  const script = read(text, io, inline || args.length === 0 ? 'sh' : `sh: ${args[0]}`);
  if (!script) return MISUSE;
  const body =
    name === 'sh' ? ownProcess(shell, script, streams, called, parameters) : here(shell, script, streams);
  return yield* inline ? body : system.confined(body);
}

function* ownProcess(
  shell: Interpreter,
  script: Script,
  streams: Streams,
  called: string,
  parameters: readonly string[],
): Sleepable<number> {
  const child = shell.fork();
  child.state.name = called;
  child.state.positional = parameters;
  for (const name of [...child.state.variables.keys()])
    if (!child.state.exported.has(name)) child.state.variables.delete(name);
  child.state.functions.clear();
  child.state.flags.clear();
  return yield* shell.processes.run('sh', child.process(script, streams));
}

function* here(shell: Interpreter, script: Script, streams: Streams): Sleepable<number> {
  shell.state.status = 0;
  try {
    yield* shell.script(script, streams);
  } catch (error) {
    if (!(error instanceof ReturnStatus)) throw error;
    return error.status;
  }
  return shell.state.status;
}

function* changeDirectory({ shell, args, io }: BuiltinCall): Sleepable<number> {
  const { vfs, state } = shell;
  const back = args[0] === '-';
  const to = back ? (state.variables.get('OLDPWD') ?? '/') : (args[0] ?? state.variables.get('HOME') ?? '/');
  const path = yield* vfs.directory(absolute(to, state.directory));
  if (typeof path === 'number') {
    io.err(`sh: cd: can't cd to ${to}: ${shell.context.system.strerror(-path)}\n`);
    return 1;
  }
  state.set('OLDPWD', state.directory);
  state.directory = path;
  if (back) io.out(`${path}\n`);
  return 0;
}
