import { strerror } from '../../../linux/errno.js';
import { commandsOf } from '../../shell/applet.js';
import { BUILTINS } from '../../shell/builtins.js';
import type { HostInput } from '../../shell/keyboard.js';
import { SystemShell } from '../../shell/shell.js';
import type { Terminal } from '../../terminal.js';
import type { Applet } from '../applets/applet.js';
import { APPLETS } from '../applets/index.js';
import { Findings } from '../findings.js';
import type { Machine } from '../machine.js';
import { ProcessFiles } from './process-files.js';

/** Names of the commands that a shell has. */
export const SHELL_COMMANDS: readonly string[] = [...APPLETS.keys(), ...BUILTINS.keys()];

export interface ShellOptions {
  readonly applets?: ReadonlyMap<string, Applet>;
  /** Standard input; none by default. */
  readonly input?: HostInput | undefined;
}

/** The shell of a Linux machine; modprobe's configuration runs its commands in it. */
export class Shell extends SystemShell {
  constructor(machine: Machine, terminal: Terminal, { applets = APPLETS, input }: ShellOptions = {}) {
    const { kernel } = machine;
    const findings = new Findings(machine);
    const files = (): ProcessFiles => new ProcessFiles(kernel);
    const message = (result: number): string => strerror(-result);
    super(
      {
        machine,
        files,
        strerror,
        commands: commandsOf(applets.values(), files, (call, vfs) => ({ ...call, machine, vfs, message })),
        pid: (task) => kernel.processes.pid(task),
        // A task that meets a fault is killed; the kernel goes on.
        halted: () => false,
        takeFindings: () => findings.take(),
        confined: (body) => machine.withoutHostFiles(body),
      },
      terminal,
      input,
    );
    machine.system.runShell = (command, environment) => this.nested(command, environment);
  }
}
