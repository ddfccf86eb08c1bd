import { readFileSync } from 'node:fs';
import {
  FREEBSD_SHELL_COMMANDS,
  FreebsdMachine,
  type FreebsdMachineOptions,
  FreebsdShell,
  type HostInput,
  type Terminal,
  UsageError,
  visible,
} from '../../index.js';
import type { ShellKeyboard } from '../shell-keyboard.js';
import { interactive, runScript } from '../shell-prompt.js';
import { atLoaderPrompt } from './loader-prompt.js';

/** How `modbox shell` was called. */
export interface FreebsdShellCall {
  readonly options: FreebsdMachineOptions;
  /** Ask at the loader's prompt what to boot. */
  readonly menu: boolean;
  /** The terminal's keyboard, where somebody sits at it. */
  readonly keyboard: ShellKeyboard | undefined;
  /** Standard input of a script that is not read from there. */
  readonly input: HostInput | undefined;
  /** Undefined: from standard input, or typed. */
  readonly script: string | undefined;
  readonly terminal: Terminal;
}

/** `modbox shell` of a FreeBSD machine: the status to leave with. */
export async function freebsdShell(call: FreebsdShellCall): Promise<number> {
  const { options, keyboard, input, script, terminal } = call;
  if (call.menu && !(process.stdin.isTTY && process.stdout.isTTY))
    throw new UsageError('shell: --menu needs a terminal');
  const loader = call.menu ? await atLoaderPrompt(options) : undefined;
  if (loader === 'left') return 0;
  const machine = FreebsdMachine.boot({ ...options, ...(loader && { loader }) });
  for (const line of machine.loaderComplaints) process.stderr.write(`loader: ${visible(line)}\n`);
  if (!keyboard)
    return runScript(new FreebsdShell(machine, terminal, input), script ?? readFileSync(0, 'utf8'));
  machine.on('log', ({ text }) => void process.stderr.write(`${text}\n`));
  process.stdout.write(`modbox: ${machine.target.name}, help lists the commands, exit leaves.\n`);
  return await interactive({
    machine,
    shell: new FreebsdShell(machine, terminal, keyboard),
    keyboard,
    commands: FREEBSD_SHELL_COMMANDS,
    files: {
      list: (path) => machine.fs.list(path),
      isDirectory: (path) => machine.fs.stat(path).kind === 'directory',
    },
    ended: () => machine.panicked !== undefined,
  });
}
