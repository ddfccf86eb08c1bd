import { FreebsdMachine, hangText, type RunReport, runKld, visible } from '../../index.js';
import type { OneRun } from '../run/run-one.js';
import { succeeded } from '../run/succeeded.js';
import { loadedText, logLine, summaryText } from '../run/text-report.js';
import type { Style } from '../style.js';
import type { KldSubject } from './open-kld.js';

/** What `modbox run` does with a kld. */
export interface KldRun extends Pick<OneRun, 'exec' | 'keep' | 'onExec' | 'onStep'> {
  readonly onBoot?: (machine: FreebsdMachine, bootMs: number) => void;
  readonly onEnd?: (machine: FreebsdMachine) => void;
}

/** Boots a FreeBSD machine and runs one kld in it. */
export function runOneKld({ name, options }: KldSubject, run: KldRun): RunReport {
  const started = performance.now();
  const machine = FreebsdMachine.boot(options);
  const bootMs = performance.now() - started;
  for (const line of machine.loaderComplaints) process.stderr.write(`loader: ${visible(line)}\n`);
  run.onBoot?.(machine, bootMs);
  const report = runKld(machine, name, {
    keep: run.keep,
    exec: {
      commands: run.exec,
      run: (command) => {
        const { exit, stdout, stderr, hangs } = machine.exec(command);
        const said = stderr + (hangs ? `modbox: ${hangText()}\n` : '');
        const result = { command, exit: hangs ? 1 : exit, stdout, stderr: said };
        run.onExec?.(result);
        return result;
      },
    },
    now: () => performance.now(),
    bootMs,
    ...(run.onStep && { onStep: run.onStep }),
  });
  run.onEnd?.(machine);
  return report;
}

/** The same for a person to read: what happens while it happens, then the summary. */
export function showKldRun(
  subject: KldSubject,
  { exec, keep }: Pick<KldRun, 'exec' | 'keep'>,
  out: (text: string) => void,
  style: Style,
): boolean {
  const report = runOneKld(subject, {
    exec,
    keep,
    onBoot: (machine, bootMs) => {
      out(style.dim(`${machine.target.name} booted in ${Math.round(bootMs)} ms\n`));
      machine.on('log', (record) => out(logLine(record, style)));
      machine.on('module', ({ name, state }) => {
        if (state !== 'coming')
          out(style.dim(`${visible(name)} is ${state === 'live' ? 'in the kernel' : 'gone'}\n`));
      });
    },
    onExec: ({ command, stdout, stderr, exit }) => {
      out(`${style.bold(`$ ${command}`)}\n${visible(stdout)}${style.red(visible(stderr))}`);
      if (exit !== 0) out(style.red(`status ${exit}\n`));
    },
  });
  const ok = succeeded(report);
  out(loadedText(report, style) + summaryText(report, ok, style));
  return ok;
}
