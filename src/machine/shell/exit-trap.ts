import type { Sleepable } from '../../kernel/effects.js';
import type { BuiltinCall } from './builtins.js';
import type { Interpreter } from './interpreter.js';
import { parseScript } from './parser.js';
import type { Streams } from './redirect.js';
import { ExitShell, MISUSE } from './state.js';
import { ShellSyntaxError } from './syntax-error.js';

/** `trap COMMANDS EXIT`; there are no signals here that a script could wait for. */
export function setTrap({ shell: { state }, args, io }: BuiltinCall): number {
  const [first, ...more] = args;
  if (first === undefined) {
    if (state.exitTrap !== undefined) io.out(`trap -- '${state.exitTrap.replaceAll("'", "'\\''")}' EXIT\n`);
    return 0;
  }
  const [commands, names] = more.length === 0 ? ['-', [first]] : [first, more];
  const other = names.find((name) => name !== 'EXIT' && name !== '0');
  if (other !== undefined) {
    io.err(`sh: trap: ${other}: only EXIT is implemented\n`);
    return MISUSE;
  }
  state.exitTrap = commands === '-' ? undefined : commands;
  return 0;
}

/** Runs what `trap ... EXIT` asked for, once. `status` is what the shell ends with; that, or what the trap exits with, is the result. */
export function* runExitTrap(shell: Interpreter, status: number, streams: Streams): Sleepable<number> {
  const { state } = shell;
  const commands = state.exitTrap;
  if (commands === undefined) return status;
  state.exitTrap = undefined;
  state.status = status;
  try {
    yield* shell.script(parseScript(commands), streams);
    return status;
  } catch (error) {
    if (error instanceof ExitShell) return error.status;
    if (!(error instanceof ShellSyntaxError)) throw error;
    shell.context.terminal.err(`sh: trap: ${error.describe(commands)}\n`);
    return MISUSE;
  }
}
