import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { APPLETS } from '../../machine/applets/index.js';
import { timeStamp } from '../../machine/applets/system.js';
import { UsageError } from '../../machine/errors.js';
import type { Machine } from '../../machine/machine.js';
import { Shell } from '../../machine/shell/shell.js';
import type { Terminal } from '../../machine/userland/terminal.js';
import { type Booted, bootMachine } from '../boot.js';
import { MACHINE_HELP, MACHINE_OPTIONS, type MachineFlags, machineOptions } from '../open-machine.js';
import { bytesFor } from '../output.js';

const HELP = `usage: modbox shell [SCRIPT | -c COMMANDS]

A machine with a prompt: insmod, modprobe, rmmod, lsmod, modinfo, dmesg, cat, echo, ls, ...; help lists them.
Without a terminal the commands are read from standard input.

${MACHINE_HELP}  -c COMMANDS       run these and leave
  --menu            choose in a boot menu what to boot, with which kernel command line

At boot, the modules of the machine's modules-load.d and of modules-load= on the kernel command line are loaded.
`;

const HANGS = 'modbox: it hangs: it waits for something that does not come\n';
const INTERRUPTED = 130;

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
  const script =
    values.command ?? (positionals.length > 0 ? readFileSync(positionals[0], 'utf8') : undefined);
  const booted = values.menu ? await byMenu(values) : bootMachine(machineOptions(values));
  if (typeof booted === 'number') return booted;
  const { machine } = booted;
  if (process.stdin.isTTY && script === undefined) showLog(machine);
  const shell = new Shell(machine, terminal);
  if (script !== undefined) return runScript(shell, script);
  if (!process.stdin.isTTY) return runScript(shell, readFileSync(0, 'utf8'));
  process.stdout.write(`modbox: ${machine.kernel.target.name}, help lists the commands, exit leaves.\n`);
  return await interactive(machine, shell);
}

async function byMenu(flags: MachineFlags): Promise<Booted | number> {
  const { bootByMenu } = await import('../menu/boot-by-menu.js');
  return await bootByMenu(flags);
}

/** A terminal is the machine's console: lines of the log come there as far as the console's level lets them. */
function showLog(machine: Machine): void {
  machine.kernel.log.onRecord((record) => {
    if (record.level < machine.consoleLevel)
      process.stderr.write(`${timeStamp(record.time)} ${record.text}\n`);
  });
}

function runScript(shell: Shell, script: string): number {
  const { exit, hangs } = shell.run(script);
  if (!hangs) return exit;
  process.stderr.write(HANGS);
  return 1;
}

/** Reads lines from the terminal, with editing, history and completion of command names. */
function interactive(machine: Machine, shell: Shell): Promise<number> {
  const names = [...APPLETS.keys(), 'cd', 'exit', 'help', 'pwd', 'wait'].sort();
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: 'modbox# ',
    completer: (line: string) => {
      const hits = names.filter((name) => name.startsWith(line));
      return [/\s/.test(line) ? [] : hits, line];
    },
  });
  let status = 0;
  return new Promise((resolve) => {
    const leave = (with_: number): void => {
      lines.close();
      resolve(with_);
    };
    lines.on('SIGINT', () => leave(INTERRUPTED));
    lines.on('close', () => resolve(status));
    lines.on('line', (line) => {
      const result = shell.run(line);
      status = result.exit;
      if (result.hangs) process.stderr.write(HANGS);
      // Time goes on while somebody types.
      machine.sleep(1e6);
      if (result.done) leave(status);
      else lines.prompt();
    });
    lines.prompt();
  });
}
