import { strerror } from '../../../freebsd/errno.js';
import { commandsOf } from '../../shell/applet.js';
import { BUILTINS } from '../../shell/builtins.js';
import type { HostInput } from '../../shell/keyboard.js';
import { SystemShell } from '../../shell/shell.js';
import type { Terminal } from '../../terminal.js';
import { APPLETS } from '../applets/index.js';
import type { FreebsdMachine } from '../machine.js';
import { Findings } from './findings.js';
import { ProcessFiles } from './process-files.js';

/** Names of the commands that a shell of FreeBSD's machines has. */
export const FREEBSD_SHELL_COMMANDS: readonly string[] = [...APPLETS.keys(), ...BUILTINS.keys()];

/** The shell of a FreeBSD machine. A panic ends what it runs. */
export class FreebsdShell extends SystemShell {
  /** Without `input` there is no standard input. */
  constructor(machine: FreebsdMachine, terminal: Terminal, input?: HostInput) {
    const { kernel } = machine;
    const findings = new Findings(machine);
    const files = (): ProcessFiles => new ProcessFiles(kernel);
    const message = (result: number): string => strerror(-result);
    super(
      {
        machine,
        files,
        strerror,
        commands: commandsOf(APPLETS.values(), files, (call, vfs) => ({ ...call, machine, vfs, message })),
        pid: (task) => kernel.processes.processOf(task).pid,
        takeFindings: () => findings.take(),
        halted: () => machine.panicked !== undefined,
        confined: (body) => body,
      },
      terminal,
      input,
    );
  }
}
