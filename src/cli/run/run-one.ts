import {
  type DeviceModel,
  type ExecResult,
  hangText,
  type Machine,
  type MachineOptions,
  type PciBoard,
  type RunOptions,
  type RunReport,
  type RunSubject,
  runModule,
} from '../../index.js';
import { bootMachine } from '../boot.js';

export interface OneRun {
  readonly parameters: readonly string[];
  readonly exec: readonly string[];
  readonly keep: boolean;
  /** What is plugged in before the module comes: boards of other programs, models. */
  readonly boards?: readonly PciBoard[];
  readonly models?: readonly DeviceModel[];
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
  try {
    run.onBoot?.(machine, bootMs);
    return runIn(machine, bootMs, options, subject, run);
  } finally {
    if (run.boards?.length) machine.release();
  }
}

function runIn(
  machine: Machine,
  bootMs: number,
  options: MachineOptions,
  subject: RunSubject,
  run: OneRun,
): RunReport {
  for (const board of run.boards ?? []) machine.plugBoard(board);
  for (const model of run.models ?? []) machine.plug(model);
  const report = runModule(machine, subject, {
    parameters: run.parameters,
    keep: run.keep,
    exec: {
      commands: run.exec,
      run: (command) => machine.as(options.uid ?? 0, () => execute(machine, command, run.onExec)),
    },
    now: () => performance.now(),
    bootMs,
    ...(run.onStep && { onStep: run.onStep }),
  });
  run.onEnd?.(machine);
  return report;
}

function execute(machine: Machine, command: string, onExec?: (result: ExecResult) => void): ExecResult {
  const { exit, stdout, stderr: said, hangs } = machine.exec(command);
  const stderr = said + (hangs ? `modbox: ${hangText()}\n` : '');
  const result = { command, exit: hangs ? 1 : exit, stdout, stderr };
  onExec?.(result);
  return result;
}
