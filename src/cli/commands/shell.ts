import { readFileSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type HostInput,
  type Machine,
  type MachineOptions,
  readGivenText,
  S_IFDIR,
  S_IFMT,
  SHELL_COMMANDS,
  Shell,
  type Terminal,
  timeStamp,
  UsageError,
} from '../../index.js';
import { type Booted, bootMachine } from '../boot.js';
import { freebsdMachineOptions, freebsdTargetOf } from '../freebsd/open-kld.js';
import { MACHINE_HELP, MACHINE_OPTIONS, type MachineFlags, machineOptions } from '../open-machine.js';
import { bytesFor } from '../output.js';
import { memoryLimit } from '../run/limits.js';
import { ShellKeyboard } from '../shell-keyboard.js';
import { interactive, runScript } from '../shell-prompt.js';

/** Words in lines that fit a terminal. */
function wrapped(words: readonly string[]): string {
  let text = ' ';
  let width = 1;
  for (const word of words) {
    if (width + word.length > 76) text += '\n ';
    width = text.length - text.lastIndexOf('\n') + word.length;
    text += ` ${word}`;
  }
  return text;
}

const HELP = `usage: modbox shell [SCRIPT | -c COMMANDS]

A machine with a prompt. Without a terminal the commands are read from standard input. Its commands:
${wrapped(SHELL_COMMANDS)}
help NAME tells of one. At the prompt Ctrl-C ends the command that runs, with status 130.

${MACHINE_HELP}  -c COMMANDS       run these and leave
  --menu            choose in a boot menu what to boot, with which kernel command line

At boot, the modules of the machine's modules-load.d and of modules-load= on the kernel command line are loaded.
`;

const terminal: Terminal = {
  out: (data) => void process.stdout.write(bytesFor(process.stdout, data)),
  err: (data) => void process.stderr.write(bytesFor(process.stderr, data)),
  note: (text) => void process.stderr.write(bytesFor(process.stderr, text)),
};

/** \`modbox shell\`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...MACHINE_OPTIONS,
      help: { type: 'boolean', short: 'h' },
      command: { type: 'string', short: 'c' },
      menu: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 1 || (positionals.length > 0 && values.command !== undefined))
    throw new UsageError('shell: one script, or -c COMMANDS');
  const script = values.command ?? (positionals.length > 0 ? readGivenText(positionals[0]) : undefined);
  const prompts = process.stdin.isTTY === true && script === undefined;
  const keyboard = prompts ? new ShellKeyboard((text) => void process.stdout.write(text)) : undefined;
  const limits = limitsOf(keyboard);
  const freebsd = freebsdTargetOf(values);
  const input = keyboard || script === undefined || process.stdin.isTTY ? undefined : standardInput();
  if (freebsd) {
    const { freebsdShell } = await import('../freebsd/shell.js');
    const menu = values.menu === true;
    const options = { ...freebsdMachineOptions(freebsd, values), ...limits };
    return await freebsdShell({ options, menu, keyboard, input, script, terminal });
  }
  const booted = values.menu
    ? await byMenu(values, limits)
    : bootMachine({ ...machineOptions(values), ...limits });
  if (typeof booted === 'number') return booted;
  const { machine } = booted;
  if (!keyboard) {
    return runScript(new Shell(machine, terminal, { input }), script ?? readFileSync(0, 'utf8'));
  }
  showLog(machine);
  process.stdout.write(`modbox: ${machine.target.name}, help lists the commands, exit leaves.\n`);
  return await interactive({
    machine,
    shell: new Shell(machine, terminal, { input: keyboard }),
    keyboard,
    commands: SHELL_COMMANDS,
    files: {
      list: (path) => machine.fs.list(path),
      isDirectory: (path) => (machine.fs.stat(path).mode & S_IFMT) === S_IFDIR,
    },
    ended: () => false,
  });
}

/** What ends a command: Ctrl-C where somebody sits at the keyboard, who decides how long it may take. */
function limitsOf(keyboard: ShellKeyboard | undefined): Pick<MachineOptions, 'interrupt' | 'workLimit'> {
  const memory = memoryLimit();
  if (!keyboard) return { interrupt: memory };
  return {
    interrupt: () => (keyboard.interrupted() ? 'interrupted' : memory()),
    workLimit: Number.POSITIVE_INFINITY,
  };
}

/** The process's standard input, for the commands of a script that is not read from there. */
function standardInput(): HostInput {
  const chunk = Buffer.alloc(65536);
  return {
    take(count) {
      const size = readStandardInput(chunk, Math.min(count, chunk.length));
      return size === 'later' ? size : size === 0 ? 'end' : Uint8Array.from(chunk.subarray(0, size));
    },
  };
}

function readStandardInput(chunk: Buffer, count: number): number | 'later' {
  try {
    return readSync(0, chunk, 0, count, null);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 'later';
    if (code === 'EOF') return 0;
    throw error;
  }
}

async function byMenu(
  flags: MachineFlags,
  limits: Pick<MachineOptions, 'interrupt' | 'workLimit'>,
): Promise<Booted | number> {
  const { bootByMenu } = await import('../menu/boot-by-menu.js');
  return await bootByMenu(flags, limits);
}

/** A terminal is the machine's console: lines of the log come there as far as the console's level lets them. */
function showLog(machine: Machine): void {
  machine.on('log', (record) => {
    if (record.level < machine.consoleLevel)
      process.stderr.write(`${timeStamp(record.time)} ${record.text}\n`);
  });
}
