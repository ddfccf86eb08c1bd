import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, strerror } from '../../kernel/errno.js';
import type { Task } from '../../kernel/task/task.js';
import { O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '../../linux/fs/flags.js';
import { Vfs } from '../../linux/fs/vfs.js';
import { type Applet, AppletUsageError } from '../applets/applet.js';
import { APPLETS } from '../applets/index.js';
import { Findings } from '../findings.js';
import type { Machine } from '../machine.js';
import { deathMessage } from '../processes.js';
import { joinBytes, type Terminal } from '../userland/terminal.js';
import { absolute, type Expansion, expandText, expandWords } from './expand.js';
import { Io, type Sink, type Source } from './io.js';
import {
  type Chain,
  type Command,
  type Pipeline,
  parseScript,
  type Redirection,
  type Script,
} from './parser.js';
import { ShellSyntaxError } from './syntax-error.js';

/** How a script ended. */
export interface ShellResult {
  readonly exit: number;
  /** It waits for something that will never come; its processes stay. */
  readonly hangs: boolean;
  /** `exit` was given. */
  readonly done: boolean;
}

interface Streams {
  readonly source: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Thrown by `exit`. */
class ExitShell {
  constructor(readonly status: number) {}
}

const SYNTAX_STATUS = 2;
const NOT_FOUND_STATUS = 127;

/**
 * A small POSIX shell whose commands are processes of a machine: pipes, redirections, `&&`, `||`, `&`,
 * quotes, `$?`, variables and patterns. It is itself a process, so that what blocks only blocks the script.
 */
export class Shell {
  private readonly vfs: Vfs;
  private readonly variables = new Map<string, string>();
  private readonly jobs: Task[] = [];
  private readonly findings: Findings;
  private directory = '/';
  private status = 0;

  constructor(
    private readonly machine: Machine,
    private readonly terminal: Terminal,
    private readonly applets: ReadonlyMap<string, Applet> = APPLETS,
  ) {
    this.vfs = machine.kernel.get(Vfs);
    this.findings = new Findings(machine);
    machine.system.runShell = (command, environment) => this.nested(command, environment);
  }

  /** Runs a script to its end. */
  run(text: string): ShellResult {
    let script: Script;
    try {
      script = parseScript(text);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      this.terminal.err(`sh: ${error.message}\n`);
      this.status = SYNTAX_STATUS;
      return { exit: SYNTAX_STATUS, hangs: false, done: false };
    }
    let done = false;
    const shell = this;
    const task = this.machine.processes.spawn(
      'sh',
      (function* () {
        try {
          yield* shell.script(script, shell.outer());
        } catch (error) {
          if (!(error instanceof ExitShell)) throw error;
          done = true;
          shell.status = error.status;
        }
        return shell.status;
      })(),
    );
    const ended = this.machine.runUntilEnd(task);
    if (task.state === 'killed') this.status = this.machine.processes.exitStatus(task);
    this.tellFindings();
    return { exit: this.status, hangs: !ended, done };
  }

  /** What commands were found to do wrong is nothing that they write: it goes to the person, if there is one. */
  private tellFindings(): void {
    const text = this.findings.take();
    if (text !== '') this.terminal.note?.(text);
  }

  /** A command of modprobe's configuration, in a process of its own. */
  private *nested(command: string, environment: Readonly<Record<string, string>>): Sleepable<number> {
    const outer = new Map(this.variables);
    for (const [name, value] of Object.entries(environment)) this.variables.set(name, value);
    try {
      const body = this.machine.processes.run('sh', this.subshell(parseScript(command), this.outer()));
      return yield* this.machine.withoutHostFiles(body);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      this.terminal.err(`sh: ${error.message}\n`);
      return SYNTAX_STATUS;
    } finally {
      this.variables.clear();
      for (const [name, value] of outer) this.variables.set(name, value);
    }
  }

  private outer(): Streams {
    return { source: { kind: 'nothing' }, stdout: { kind: 'out' }, stderr: { kind: 'err' } };
  }

  private *script(script: Script, streams: Streams): Sleepable<void> {
    for (const chain of script) {
      if (!chain.background) {
        yield* this.chain(chain, streams);
        continue;
      }
      this.jobs.push(
        this.machine.processes.spawn('sh', this.subshell([{ ...chain, background: false }], streams)),
      );
      this.status = 0;
    }
  }

  /** Runs a script that cannot end the shell, and gives its status. */
  private *subshell(script: Script, streams: Streams): Sleepable<number> {
    try {
      yield* this.script(script, streams);
    } catch (error) {
      if (!(error instanceof ExitShell)) throw error;
      return error.status;
    }
    return this.status;
  }

  private *chain(chain: Chain, streams: Streams): Sleepable<void> {
    yield* this.pipeline(chain.first, streams);
    for (const { operator, pipeline } of chain.rest)
      if ((this.status === 0) === (operator === '&&')) yield* this.pipeline(pipeline, streams);
  }

  /** Commands of a pipe run one after another: each is given all that the one before wrote. */
  private *pipeline(pipeline: Pipeline, streams: Streams): Sleepable<void> {
    let { source } = streams;
    const last = pipeline.commands.length - 1;
    for (const [i, command] of pipeline.commands.entries()) {
      const pieces: Uint8Array[] = [];
      const stdout: Sink = i === last ? streams.stdout : { kind: 'buffer', pieces };
      this.status = yield* this.command(command, { ...streams, source, stdout });
      source = { kind: 'bytes', bytes: joinBytes(pieces) };
    }
    if (pipeline.negated) this.status = this.status === 0 ? 1 : 0;
  }

  private *command(command: Command, streams: Streams): Sleepable<number> {
    const opened: number[] = [];
    const redirected = yield* this.redirect(command.redirections, streams, opened);
    if (typeof redirected === 'number') {
      for (const fd of opened) yield* this.vfs.close(fd);
      return redirected;
    }
    const status =
      command.kind === 'group'
        ? yield* this.machine.processes.run('sh', this.subshell(command.body, redirected))
        : yield* this.simple(yield* expandWords(command.words, this.expansion()), redirected);
    for (const fd of opened) yield* this.vfs.close(fd);
    return status;
  }

  /** The streams with redirections applied, or the exit status of a failure. */
  private *redirect(
    redirections: readonly Redirection[],
    streams: Streams,
    opened: number[],
  ): Sleepable<Streams | number> {
    let current = streams;
    for (const { descriptor, mode, target } of redirections) {
      const name = expandText(target, this.expansion());
      if (mode === 'duplicate') {
        current =
          descriptor === 2 ? { ...current, stderr: current.stdout } : { ...current, stdout: current.stderr };
        continue;
      }
      if (name === '/dev/null' && mode !== 'read') {
        const sink: Sink = { kind: 'buffer', pieces: [] };
        current = descriptor === 2 ? { ...current, stderr: sink } : { ...current, stdout: sink };
        continue;
      }
      const how = {
        read: O_RDONLY,
        write: O_WRONLY | O_CREAT | O_TRUNC,
        append: O_WRONLY | O_CREAT | O_APPEND,
      }[mode];
      const fd = yield* this.vfs.open(absolute(name, this.directory), how);
      if (fd < 0) {
        const why =
          fd === -ENOENT ? (mode === 'read' ? 'no such file' : 'nonexistent directory') : strerror(-fd);
        this.terminal.err(`sh: can't ${mode === 'read' ? 'open' : 'create'} ${name}: ${why}\n`);
        return 1;
      }
      opened.push(fd);
      if (mode === 'read') current = { ...current, source: { kind: 'file', fd } };
      else {
        const sink: Sink = { kind: 'file', fd, pieces: [] };
        current = descriptor === 2 ? { ...current, stderr: sink } : { ...current, stdout: sink };
      }
    }
    return current;
  }

  private *simple(words: readonly string[], streams: Streams): Sleepable<number> {
    const [name, ...args] = words;
    if (name === undefined) return 0;
    const io = new Io(this.vfs, this.terminal, streams.source, streams.stdout, streams.stderr);
    const assigned = /^([A-Za-z_]\w*)=(.*)$/s.exec(name);
    if (assigned && args.length === 0) {
      this.variables.set(assigned[1], assigned[2]);
      return 0;
    }
    const builtin = yield* this.builtin(name, args, io);
    if (builtin !== undefined) return builtin;
    const applet = this.applets.get(name.replace(/^\/(?:usr\/)?s?bin\//, ''));
    if (!applet) {
      io.err(`sh: ${name}: not found\n`);
      return NOT_FOUND_STATUS;
    }
    if (args.includes('--help') && !applet.hasHelp) {
      io.out(`usage: ${applet.usage}\n${applet.summary}\n`);
      return 0;
    }
    // echo is part of the shell, so its process has the shell's name.
    const comm = applet.name === 'echo' || applet.name === 'test' ? 'sh' : applet.name;
    const task = this.machine.processes.spawn(comm, this.applet(applet, args, io));
    const status = yield* this.machine.processes.wait(task);
    if (task.state === 'killed') this.terminal.err(deathMessage(status));
    this.tellFindings();
    return status;
  }

  private *applet(applet: Applet, args: readonly string[], io: Io): Sleepable<number> {
    const { machine, vfs, directory } = this;
    let status: number;
    try {
      const environment = Object.fromEntries(this.variables);
      const path = (given: string): string => absolute(given, directory);
      status = yield* applet.run({ machine, vfs, args, io, environment, path });
    } catch (error) {
      if (!(error instanceof AppletUsageError)) throw error;
      io.err(`${applet.name}: ${error.message}\nusage: ${applet.usage}\n`);
      return SYNTAX_STATUS;
    }
    const error = yield* io.flush();
    if (error === 0) return status;
    this.terminal.err(`${applet.name === 'echo' ? 'sh' : applet.name}: write error: ${strerror(-error)}\n`);
    return 1;
  }

  private *builtin(name: string, args: readonly string[], io: Io): Sleepable<number | undefined> {
    switch (name) {
      case 'cd':
        return yield* this.changeDirectory(args[0] ?? '/', io);
      case 'pwd':
        io.out(`${this.directory}\n`);
        return 0;
      case 'exit':
        throw new ExitShell(args.length > 0 ? Number(args[0]) & 0xff : this.status);
      case 'wait':
        for (const job of this.jobs.splice(0)) yield* this.machine.processes.wait(job);
        return 0;
      case ':':
        return 0;
      case '.':
      case 'source':
      case 'sh':
        return yield* this.runFile(name, args, io);
      case 'help':
        for (const applet of this.applets.values()) io.out(`${applet.usage.padEnd(44)} ${applet.summary}\n`);
        return 0;
      default:
        return undefined;
    }
  }

  private *runFile(name: string, args: readonly string[], io: Io): Sleepable<number> {
    const inline = args[0] === '-c';
    let text = args[1] ?? '';
    if (!inline) {
      const fd = yield* this.vfs.open(absolute(args[0] ?? '', this.directory), O_RDONLY);
      if (fd < 0) {
        io.err(`sh: ${name}: can't open '${args[0] ?? ''}': ${strerror(-fd)}\n`);
        return SYNTAX_STATUS;
      }
      const bytes = yield* new Io(this.vfs, this.terminal, { kind: 'file', fd }, io.stdout, io.stderr).read();
      yield* this.vfs.close(fd);
      text = typeof bytes === 'number' ? '' : new TextDecoder().decode(bytes);
    }
    const streams: Streams = { source: { kind: 'nothing' }, stdout: io.stdout, stderr: io.stderr };
    const script = parseScript(text);
    const body = name === 'sh' ? this.inOwnProcess(script, streams) : this.here(script, streams);
    return yield* inline ? body : this.machine.withoutHostFiles(body);
  }

  private *inOwnProcess(script: Script, streams: Streams): Sleepable<number> {
    return yield* this.machine.processes.run('sh', this.subshell(script, streams));
  }

  private *here(script: Script, streams: Streams): Sleepable<number> {
    yield* this.script(script, streams);
    return this.status;
  }

  private *changeDirectory(to: string, io: Io): Sleepable<number> {
    const location = yield* this.vfs.tree.resolve(absolute(to, this.directory));
    const names = typeof location === 'number' ? location : yield* this.vfs.readdir(location.path);
    if (typeof location === 'number' || typeof names === 'number') {
      io.err(
        `sh: cd: can't cd to ${to}: ${strerror(-Number(typeof names === 'number' ? names : location))}\n`,
      );
      return 1;
    }
    this.directory = location.path;
    return 0;
  }

  private expansion(): Expansion {
    return {
      vfs: this.vfs,
      directory: this.directory,
      variable: (name) => (name === '?' ? String(this.status) : (this.variables.get(name) ?? '')),
    };
  }
}
