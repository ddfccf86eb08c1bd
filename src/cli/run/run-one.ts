import { TaskCredentials } from '../../linux/credentials.js';
import type { Machine, MachineOptions } from '../../machine/linux/machine.js';
import { type RunOptions, type RunSubject, runModule } from '../../machine/linux/module-run.js';
import type { ExecResult, RunReport } from '../../machine/linux/run-report.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { bootMachine } from '../boot.js';

export interface OneRun {
  readonly parameters: readonly string[];
  readonly exec: readonly string[];
  readonly keep: boolean;
  /** Told when the machine is up. */
  readonly onBoot?: (machine: Machine, bootMs: number) => void;
  readonly onExec?: (result: ExecResult) => void;
  readonly onStep?: RunOptions['onStep'];
  /** Given the machine when the report is made. */
  readonly onEnd?: (machine: Machine) => void;
}

/** Boots a machine and runs one module in it. */
export function runOne(options: MachineOptions, subject: RunSubject, run: OneRun): RunReport {
  const started = performance.now();
  // The module is loaded and removed by root, whoever uses it.
  const { machine } = bootMachine({ ...options, uid: 0 });
  const bootMs = performance.now() - started;
  run.onBoot?.(machine, bootMs);
  const report = runModule(machine, subject, {
    parameters: run.parameters,
    keep: run.keep,
    exec: {
      commands: run.exec,
      run: (command) => asUser(machine, options.uid ?? 0, () => execute(machine, command, run.onExec)),
    },
    now: () => performance.now(),
    bootMs,
    ...(run.onStep && { onStep: run.onStep }),
  });
  run.onEnd?.(machine);
  return report;
}

function asUser<T>(machine: Machine, uid: number, body: () => T): T {
  const credentials = machine.kernel.get(TaskCredentials);
  credentials.uid = uid;
  try {
    return body();
  } finally {
    credentials.uid = 0;
  }
}

function execute(machine: Machine, command: string, onExec?: (result: ExecResult) => void): ExecResult {
  const output = new CapturedOutput();
  const { exit, hangs } = new Shell(machine, output).run(command);
  const stderr =
    output.stderr + (hangs ? 'modbox: it hangs: it waits for something that does not come\n' : '');
  const result = { command, exit: hangs ? 1 : exit, stdout: output.stdout, stderr };
  onExec?.(result);
  return result;
}
