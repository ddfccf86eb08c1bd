import type { BaseKernel } from '../../kernel/base-kernel.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { deathMessage, type ProcessTable, SIGINT_STATUS, SIGKILL_STATUS } from '../processes.js';
import { joinBytes, type Terminal } from '../terminal.js';
import { AppletUsageError, type ShellCommand } from './applet.js';
import { ArithmeticError } from './arithmetic.js';
import { BUILTINS } from './builtins.js';
import { runCompound } from './compound.js';
import { runExitTrap } from './exit-trap.js';
import { absolute, type Expansion, ExpansionError, expandText, expandWords } from './expand.js';
import { Io, MOST_SUBSTITUTED, type Sink } from './io.js';
import { BROKEN_PIPE_STATUS, BrokenPipe, Pipe } from './pipe.js';
import { adopt, redirect, type Streams } from './redirect.js';
import { AbandonScript, ExitShell, LeaveLoop, ReturnStatus, ShellState } from './state.js';
import { type Chain, type Command, type Pipeline, plainText, type Script } from './syntax.js';
import type { ShellFiles, ShellSystem } from './system.js';

/** What all shells of a machine share. */
export interface ShellContext {
  readonly system: ShellSystem;
  readonly terminal: Terminal;
  /** Tells the person at the machine what commands were found to do wrong. */
  tellFindings(): void;
}

const USAGE_STATUS = 2;
export const NOT_FOUND_STATUS = 127;
/** Commands of a shell itself before others have a turn. */
const COMMANDS_BETWEEN_TURNS = 16;
/** Calls of functions, scripts and subshells within each other: the host's stack has an end. */
const DEEPEST_CALL = 100;

/** Runs scripts: one shell process, or a part of one. */
export class Interpreter {
  readonly vfs: ShellFiles;
  private commands = 0;

  constructor(
    readonly context: ShellContext,
    readonly state = new ShellState(),
    readonly depth = 0,
  ) {
    this.vfs = context.system.files();
  }

  *script(script: Script, streams: Streams): Sleepable<void> {
    for (const chain of script) {
      if (!chain.background) {
        yield* this.chain(chain, streams);
        continue;
      }
      const child = this.fork();
      child.state.background = true;
      const task = this.processes.spawn('sh', child.process([{ ...chain, background: false }], streams));
      this.state.jobs.push(task);
      this.state.lastJob = String(this.context.system.pid(task));
      this.state.status = 0;
    }
  }

  /** A script in a process of its own, which cannot end this shell: its status. */
  *subshell(script: Script, streams: Streams): Sleepable<number> {
    return yield* this.awaited(this.processes.spawn('sh', this.fork().process(script, streams)));
  }

  /** The body of a process that runs a script. */
  *process(script: Script, streams: Streams): Sleepable<number> {
    try {
      const own = { ...streams };
      const status = yield* this.untilExit(() => this.script(script, own));
      return yield* this.untilExit(() => runExitTrap(this, status, own), status);
    } finally {
      for (const fd of this.state.kept) yield* this.vfs.close(fd);
    }
  }

  /** What is run until it ends, by itself or by `exit`: the status. */
  private *untilExit(body: () => Sleepable<unknown>, known?: number): Sleepable<number> {
    try {
      const result = yield* body();
      if (known !== undefined) return Number(result);
    } catch (error) {
      if (error instanceof BrokenPipe) return BROKEN_PIPE_STATUS;
      const ends =
        error instanceof ExitShell || error instanceof AbandonScript || error instanceof ReturnStatus;
      if (ends) return error.status;
      if (!(error instanceof LeaveLoop)) throw error;
    }
    return this.state.status;
  }

  fork(): Interpreter {
    return new Interpreter(this.context, this.state.fork(), this.deeper());
  }

  private deeper(): number {
    if (this.depth < DEEPEST_CALL) return this.depth + 1;
    this.context.terminal.err('sh: functions, scripts or subshells call each other too deep\n');
    throw new AbandonScript(USAGE_STATUS);
  }

  private *chain(chain: Chain, streams: Streams): Sleepable<void> {
    const { state } = this;
    const steps = [{ operator: undefined, pipeline: chain.first }, ...chain.rest];
    for (const [i, { operator, pipeline }] of steps.entries()) {
      if (operator && (state.status === 0) !== (operator === '&&')) continue;
      const last = i === steps.length - 1;
      if (!last || pipeline.negated) state.conditions++;
      try {
        yield* this.pipeline(pipeline, streams);
      } finally {
        if (!last || pipeline.negated) state.conditions--;
      }
      const counts = last && !pipeline.negated && state.conditions === 0;
      if (state.status !== 0 && counts && state.flags.has('e')) throw new ExitShell(state.status);
    }
  }

  private *pipeline({ commands, negated }: Pipeline, streams: Streams): Sleepable<void> {
    const { state } = this;
    if (commands.length === 1) state.status = yield* this.command(commands[0], streams);
    else {
      const tasks = this.startPipe(commands, streams);
      try {
        for (const task of tasks) state.status = yield* this.awaited(task);
      } catch (error) {
        if (error instanceof AbandonScript) for (const task of tasks) this.kernel.scheduler.kill(task);
        throw error;
      }
    }
    if (negated) state.status = state.status === 0 ? 1 : 0;
  }

  /** Starts the commands of a pipe, all at once. */
  private startPipe(commands: readonly Command[], streams: Streams): Task[] {
    const { kernel } = this;
    let { source } = streams;
    return commands.map((command, i) => {
      const reads = source.kind === 'pipe' && i > 0 ? source.pipe : undefined;
      const pipe =
        i < commands.length - 1 ? new Pipe(kernel.scheduler, () => kernel.executor.current!) : undefined;
      const stdout: Sink = pipe ? { kind: 'pipe', pipe, pieces: [] } : streams.stdout;
      const own = { ...streams, source, stdout };
      if (pipe) source = { kind: 'pipe', pipe };
      const child = this.fork();
      const body = child.untilExit(function* () {
        child.state.status = yield* child.command(command, own, true);
      });
      return this.processes.spawn(this.nameOf(command), body, () => {
        pipe?.endOfWriting();
        reads?.endOfReading();
      });
    });
  }

  private nameOf(command: Command): string {
    const [word] = command.kind === 'simple' ? command.words : [];
    return (word && this.outside(plainText(word) ?? '')?.name) ?? 'sh';
  }

  private *awaited(task: Task): Sleepable<number> {
    const status = yield* this.processes.wait(task);
    if (task.state === 'killed') this.context.terminal.err(deathMessage(status));
    this.context.tellFindings();
    this.mayGoOn();
    return status;
  }

  /** Throws AbandonScript if the command is to be stopped. */
  private mayGoOn(): void {
    if (this.context.system.halted()) throw new AbandonScript(SIGKILL_STATUS);
    const { reason } = this.kernel.interruption;
    if (reason === undefined || this.state.background) return;
    throw new AbandonScript(reason === 'interrupted' ? SIGINT_STATUS : SIGKILL_STATUS);
  }

  /** Lets others have a turn now and then; throws AbandonScript if the command is to be stopped. */
  *giveWay(): Sleepable<void> {
    if (++this.commands % COMMANDS_BETWEEN_TURNS === 0) yield* yieldCpu();
    this.mayGoOn();
  }

  /** `inPlace`: the process that runs this is the command's own. */
  private *command(command: Command, streams: Streams, inPlace = false): Sleepable<number> {
    yield* this.giveWay();
    const opened: number[] = [];
    try {
      const words = command.kind === 'simple' ? yield* expandWords(command.words, this.expansion()) : [];
      const { streams: own, problem } = yield* redirect(
        command.redirections,
        streams,
        this.expansion(),
        opened,
      );
      if (problem !== undefined) {
        this.io(streams).err(`sh: ${problem}\n`);
        return 1;
      }
      if (words.length === 1 && words[0] === 'exec') {
        for (const fd of adopt(streams, own, opened, this.state.kept)) yield* this.vfs.close(fd);
        return 0;
      }
      return command.kind === 'simple'
        ? yield* this.simple(command, words, own, inPlace)
        : yield* runCompound(this, command, own);
    } catch (error) {
      if (!(error instanceof ExpansionError) && !(error instanceof ArithmeticError)) throw error;
      this.io(streams).err(`sh: ${error.message}\n`);
      throw new AbandonScript(USAGE_STATUS);
    } finally {
      for (const fd of opened) yield* this.vfs.close(fd);
    }
  }

  private *simple(
    command: Extract<Command, { kind: 'simple' }>,
    words: readonly string[],
    streams: Streams,
    inPlace: boolean,
  ): Sleepable<number> {
    const { state } = this;
    const given = new Map<string, string>();
    if (words.length === 0) state.status = 0;
    for (const { name, value } of command.assignments) {
      const text = yield* expandText(value, this.expansion());
      given.set(name, text);
      if (words.length === 0) state.set(name, text);
    }
    if (state.flags.has('x'))
      this.io(streams).err(
        `+ ${[...[...given].map(([name, value]) => `${name}=${value}`), ...words].join(' ')}\n`,
      );
    if (words.length === 0) return state.status;
    return yield* this.run(words, given, streams, inPlace);
  }

  /** A function, a part of the shell, or a command. */
  *run(
    words: readonly string[],
    given: ReadonlyMap<string, string>,
    streams: Streams,
    inPlace = false,
    options: { readonly noFunctions?: boolean } = {},
  ): Sleepable<number> {
    const [name, ...args] = words;
    const body = options.noFunctions ? undefined : this.state.functions.get(name);
    const builtin = BUILTINS.get(name);
    if (body || builtin) {
      const before = [...given].map(([key]) => [key, this.state.variables.get(key)] as const);
      const exports = [...given.keys()].filter((key) => !this.state.exported.has(key));
      for (const [key, value] of given) this.state.set(key, value);
      for (const key of exports) this.state.exported.add(key);
      try {
        if (body) return yield* this.call(body, args, streams);
        const io = this.io(streams);
        const status = yield* builtin!.run({ shell: this, args, io, streams });
        return yield* this.finished(name, io, status);
      } finally {
        for (const [key, value] of before) this.state.set(key, value);
        for (const key of exports) this.state.exported.delete(key);
      }
    }
    const command = this.outside(name);
    if (!command) {
      this.io(streams).err(`sh: ${name}: not found\n`);
      return NOT_FOUND_STATUS;
    }
    return yield* this.start(command, args, given, streams, inPlace);
  }

  private *start(
    command: ShellCommand,
    args: readonly string[],
    given: ReadonlyMap<string, string>,
    streams: Streams,
    inPlace: boolean,
  ): Sleepable<number> {
    const { files, run } = command.prepare();
    const io = new Io(files, this.context.terminal, streams.source, streams.stdout, streams.stderr);
    if (args.includes('--help') && !command.hasHelp) {
      io.out(`usage: ${command.usage}\n${command.summary}\n`);
      return yield* this.finished(command.name, io, 0);
    }
    const { directory } = this.state;
    const body = this.performed(command, io, files, () =>
      run({
        args,
        io,
        environment: { ...this.state.environment(), ...Object.fromEntries(given) },
        path: (file) => absolute(file, directory),
      }),
    );
    if (inPlace) return yield* body;
    // echo is part of the shell, so its process has the shell's name.
    const comm = command.name === 'echo' || command.name === 'test' ? 'sh' : command.name;
    const task = this.processes.spawn(comm, body);
    try {
      const status = yield* this.awaited(task);
      // What is part of the shell is the shell itself that the signal ends.
      if (comm === 'sh' && status === BROKEN_PIPE_STATUS) throw new BrokenPipe();
      return status;
    } finally {
      if (task.state === 'killed' && this.kernel.interruption.reason) yield* files.closeAll();
    }
  }

  private *performed(
    { name, usage }: ShellCommand,
    io: Io,
    files: ShellFiles,
    run: () => Sleepable<number>,
  ): Sleepable<number> {
    try {
      const status = yield* run();
      return yield* this.finished(name, io, status);
    } catch (error) {
      if (error instanceof BrokenPipe) {
        yield* files.closeAll();
        return BROKEN_PIPE_STATUS;
      }
      if (!(error instanceof AppletUsageError)) throw error;
      io.err(`${name}: ${error.message}\nusage: ${usage}\n`);
      return yield* this.finished(name, io, USAGE_STATUS);
    }
  }

  /** What a command printed is written: its status, or that of a failure to write. */
  private *finished(name: string, io: Io, status: number): Sleepable<number> {
    const error = yield* io.flush();
    if (error === 0) return status;
    this.context.terminal.err(
      `${name === 'echo' ? 'sh' : name}: write error: ${this.context.system.strerror(-error)}\n`,
    );
    return 1;
  }

  private *call(body: Command, args: readonly string[], streams: Streams): Sleepable<number> {
    const { state } = this;
    const { positional } = state;
    const locals = new Map<string, string | undefined>();
    const inner = new Interpreter(this.context, state, this.deeper());
    state.positional = args;
    state.locals.push(locals);
    try {
      return yield* inner.command(body, streams);
    } catch (error) {
      if (!(error instanceof ReturnStatus)) throw error;
      return error.status;
    } finally {
      state.locals.pop();
      for (const [name, value] of locals) state.set(name, value);
      state.positional = positional;
    }
  }

  /** A command that is no part of the shell. */
  outside(name: string): ShellCommand | undefined {
    return this.context.system.commands.get(name.replace(/^\/(?:usr\/)?s?bin\//, ''));
  }

  private io(streams: Streams): Io {
    return new Io(this.vfs, this.context.terminal, streams.source, streams.stdout, streams.stderr);
  }

  private *output(script: Script): Sleepable<string> {
    const pieces: Uint8Array[] = [];
    const stdout = { kind: 'buffer' as const, pieces, size: 0 };
    const streams: Streams = { source: { kind: 'nothing' }, stdout, stderr: { kind: 'err' } };
    this.state.status = yield* this.subshell(script, streams);
    if (stdout.size > MOST_SUBSTITUTED)
      throw new ExpansionError(`a command substitution gave more than ${MOST_SUBSTITUTED >> 20} MiB`);
    return new TextDecoder().decode(joinBytes(pieces)).replace(/\n+$/, '');
  }

  /** What words of this shell can refer to. */
  expansion(): Expansion {
    const { state, vfs } = this;
    return {
      vfs,
      directory: state.directory,
      positional: state.positional,
      strict: state.flags.has('u'),
      variable: (name) => state.parameter(name, () => this.context.system.pid(this.kernel.executor.current!)),
      assign: (name, value) => state.set(name, value),
      output: (script) => this.output(script),
      strerror: (errno) => this.context.system.strerror(errno),
    };
  }

  private get kernel(): BaseKernel {
    return this.context.system.machine.kernel;
  }

  get processes(): ProcessTable {
    return this.context.system.machine.processes;
  }
}
