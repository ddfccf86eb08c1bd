import { createInterface } from 'node:readline';
import { type BaseMachine, hangText, SystemShell } from '../index.js';
import { INTERRUPTED } from './failure.js';
import { type CompletedFiles, complete } from './shell-complete.js';
import type { ShellKeyboard } from './shell-keyboard.js';

const HANGS = `modbox: ${hangText()}\n`;
const PROMPT = 'modbox# ';

/** A machine at whose prompt somebody sits. */
export interface PromptedMachine {
  readonly machine: BaseMachine;
  readonly shell: SystemShell;
  readonly keyboard: ShellKeyboard;
  /** What can be typed first in a line. */
  readonly commands: readonly string[];
  readonly files: CompletedFiles;
  /** The machine has ended by itself: nothing more can be asked of it. */
  ended(): boolean;
}

/** Reads lines from the terminal, with editing, history and completion of commands and paths. */
export function interactive(at: PromptedMachine): Promise<number> {
  const { machine, shell, keyboard } = at;
  const names = [...at.commands].sort();
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    completer: (line: string) => complete(line, names, at.files, shell.directory),
  });
  let status = 0;
  /** Lines of a command that is not complete. */
  let begun = '';
  return new Promise((resolve) => {
    const leave = (with_: number): void => {
      lines.close();
      resolve(with_);
    };
    const ask = (): void => {
      lines.setPrompt(begun === '' ? PROMPT : '> ');
      lines.prompt();
    };
    lines.on('SIGINT', () => {
      begun = '';
      status = INTERRUPTED;
      process.stdout.write('^C\n');
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
      ask();
    });
    lines.on('close', () => {
      keyboard.close();
      resolve(status);
    });
    lines.on('line', (line) => {
      const text = `${begun}${line}\n`;
      begun = SystemShell.isIncomplete(text) ? text : '';
      if (begun !== '') {
        ask();
        return;
      }
      keyboard.begin();
      const result = shell.run(text);
      status = result.exit;
      if (result.hangs && !keyboard.interrupted()) process.stderr.write(HANGS);
      // Time goes on while somebody types.
      machine.sleep(1e6);
      if (result.done || at.ended()) {
        leave(status);
        return;
      }
      ask();
      const typed = keyboard.rest();
      if (typed.length > 0) process.stdin.unshift(typed);
    });
    ask();
  });
}

/** Runs a script to its end: the status to leave with. */
export function runScript(shell: SystemShell, script: string): number {
  const { exit, hangs } = shell.run(script, true);
  if (!hangs) return exit;
  process.stderr.write(HANGS);
  return 1;
}
