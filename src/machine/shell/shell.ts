import type { Sleepable } from '../../kernel/effects.js';
import type { Terminal } from '../terminal.js';
import { runExitTrap } from './exit-trap.js';
import { Interpreter } from './interpreter.js';
import type { Source } from './io.js';
import { type HostInput, Keyboard } from './keyboard.js';
import { parseScript } from './parser.js';
import type { Streams } from './redirect.js';
import { AbandonScript, ExitShell, LeaveLoop, ReturnStatus } from './state.js';
import type { Script } from './syntax.js';
import { ShellSyntaxError } from './syntax-error.js';
import type { ShellSystem } from './system.js';

/** How a script ended. */
export interface ShellResult {
  readonly exit: number;
  /** It waits for something that will never come; its processes stay. */
  readonly hangs: boolean;
  /** `exit` was given. */
  readonly done: boolean;
}

const SYNTAX_STATUS = 2;

/**
 * A POSIX shell whose commands are processes of a machine. It is itself a process, so that what blocks only blocks the
 * script. What it remembers from one script to the next is what a shell at a prompt does.
 */
export class SystemShell {
  private readonly interpreter: Interpreter;
  private readonly source: Source;
  /** The shell's own, which `exec` changes. */
  private readonly streams: Streams;

  /** Without `input` there is none. */
  constructor(
    private readonly system: ShellSystem,
    private readonly terminal: Terminal,
    input?: HostInput,
  ) {
    const { machine } = system;
    this.source = input
      ? {
          kind: 'keyboard',
          keyboard: new Keyboard(machine.kernel, input, (until) => machine.expectSilenceUntil(until)),
        }
      : { kind: 'nothing' };
    this.streams = this.outer();
    this.interpreter = new Interpreter({ system, terminal, tellFindings: () => this.tellFindings() });
  }

  /** The directory that relative paths are from. */
  get directory(): string {
    return this.interpreter.state.directory;
  }

  /** More lines have to follow before a script can be run: a loop, a quote or a here-document is open. */
  static isIncomplete(text: string): boolean {
    try {
      parseScript(text);
      return text.endsWith('\\');
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      return error.incomplete;
    }
  }

  /** Runs a script to its end. `last`: the shell ends with it. */
  run(text: string, last = false): ShellResult {
    const { state } = this.interpreter;
    let script: Script;
    try {
      script = parseScript(text);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      this.terminal.err(`sh: ${error.describe(text)}\n`);
      state.status = SYNTAX_STATUS;
      return { exit: SYNTAX_STATUS, hangs: false, done: false };
    }
    let done = false;
    const { machine } = this.system;
    const task = machine.processes.spawn(
      'sh',
      this.body(script, last, () => (done = true)),
    );
    const ended = machine.runUntilEnd(task);
    if (task.state === 'killed') state.status = machine.processes.exitStatus(task);
    this.tellFindings();
    return { exit: state.status, hangs: !ended, done };
  }

  private *body(script: Script, last: boolean, onExit: () => void): Sleepable<number> {
    const { interpreter } = this;
    const { state } = interpreter;
    state.conditions = 0;
    state.loops = 0;
    let leaves = last;
    try {
      yield* interpreter.script(script, this.streams);
    } catch (error) {
      if (error instanceof ExitShell) {
        leaves = true;
        onExit();
      }
      const ends =
        error instanceof ExitShell || error instanceof AbandonScript || error instanceof ReturnStatus;
      if (!ends && !(error instanceof LeaveLoop)) throw error;
      if (ends) state.status = error.status;
    }
    if (leaves) state.status = yield* runExitTrap(interpreter, state.status, this.streams);
    return state.status;
  }

  /** What commands were found to do wrong is nothing that they write: it goes to the person, if there is one. */
  private tellFindings(): void {
    const text = this.system.takeFindings();
    if (text !== '') this.terminal.note?.(text);
  }

  /** A command that a program of the machine has in its configuration, in a process of its own. */
  *nested(command: string, environment: Readonly<Record<string, string>>): Sleepable<number> {
    const child = this.interpreter.fork();
    for (const [name, value] of Object.entries(environment)) {
      child.state.set(name, value);
      child.state.exported.add(name);
    }
    let script: Script;
    try {
      script = parseScript(command);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      this.terminal.err(`sh: ${error.describe(command)}\n`);
      return SYNTAX_STATUS;
    }
    const body = this.system.machine.processes.run(
      'sh',
      child.process(script, { ...this.outer(), source: { kind: 'nothing' } }),
    );
    return yield* this.system.confined(body);
  }

  private outer(): Streams {
    return { source: this.source, stdout: { kind: 'out' }, stderr: { kind: 'err' } };
  }
}
