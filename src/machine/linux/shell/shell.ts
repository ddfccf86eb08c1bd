import type { Sleepable } from '../../../kernel/effects.js';
import { type HostInput, Keyboard } from '../../shell/keyboard.js';
import { parseScript } from '../../shell/parser.js';
import { AbandonScript, ExitShell, LeaveLoop, ReturnStatus } from '../../shell/state.js';
import type { Script } from '../../shell/syntax.js';
import { ShellSyntaxError } from '../../shell/syntax-error.js';
import type { Terminal } from '../../terminal.js';
import type { Applet } from '../applets/applet.js';
import { APPLETS } from '../applets/index.js';
import { Findings } from '../findings.js';
import type { Machine } from '../machine.js';
import { BUILTINS } from './builtins.js';
import { runExitTrap } from './exit-trap.js';
import { Interpreter } from './interpreter.js';
import type { Source } from './io.js';
import type { Streams } from './redirect.js';

/** How a script ended. */
export interface ShellResult {
  readonly exit: number;
  /** It waits for something that will never come; its processes stay. */
  readonly hangs: boolean;
  /** `exit` was given. */
  readonly done: boolean;
}

/** Names of the commands that a shell has. */
export const SHELL_COMMANDS: readonly string[] = [...APPLETS.keys(), ...BUILTINS.keys()];

export interface ShellOptions {
  readonly applets?: ReadonlyMap<string, Applet>;
  /** Standard input; none by default. */
  readonly input?: HostInput | undefined;
}

const SYNTAX_STATUS = 2;

/**
 * A POSIX shell whose commands are processes of a machine. It is itself a process, so that what blocks only blocks the
 * script. What it remembers from one script to the next is what a shell at a prompt does.
 */
export class Shell {
  private readonly interpreter: Interpreter;
  private readonly findings: Findings;
  private readonly source: Source;
  /** The shell's own, which `exec` changes. */
  private readonly streams: Streams;

  constructor(
    private readonly machine: Machine,
    private readonly terminal: Terminal,
    { applets = APPLETS, input }: ShellOptions = {},
  ) {
    this.findings = new Findings(machine);
    this.source = input
      ? {
          kind: 'keyboard',
          keyboard: new Keyboard(machine.kernel, input, (until) => machine.expectSilenceUntil(until)),
        }
      : { kind: 'nothing' };
    this.streams = this.outer();
    this.interpreter = new Interpreter({
      machine,
      terminal,
      applets,
      tellFindings: () => this.tellFindings(),
    });
    machine.system.runShell = (command, environment) => this.nested(command, environment);
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
    const task = this.machine.processes.spawn(
      'sh',
      this.body(script, last, () => (done = true)),
    );
    const ended = this.machine.runUntilEnd(task);
    if (task.state === 'killed') state.status = this.machine.processes.exitStatus(task);
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
    const text = this.findings.take();
    if (text !== '') this.terminal.note?.(text);
  }

  /** A command of modprobe's configuration, in a process of its own. */
  private *nested(command: string, environment: Readonly<Record<string, string>>): Sleepable<number> {
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
    const body = this.machine.processes.run(
      'sh',
      child.process(script, { ...this.outer(), source: { kind: 'nothing' } }),
    );
    return yield* this.machine.withoutHostFiles(body);
  }

  private outer(): Streams {
    return { source: this.source, stdout: { kind: 'out' }, stderr: { kind: 'err' } };
  }
}
