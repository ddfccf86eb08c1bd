import { parentPort, workerData } from 'node:worker_threads';
import {
  type Machine,
  type MachineOptions,
  openTree,
  type RunReport,
  type RunSubject,
  visibleJson,
} from '../../index.js';
import { whyOf } from '../failure.js';
import { freebsdTargetOf, type KldSubject, kldSubject } from '../freebsd/open-kld.js';
import { runOneKld } from '../freebsd/run-kld.js';
import { machineOptions, subjectOf } from '../open-machine.js';
import { failedReport } from './failed-report.js';
import { runLimits } from './limits.js';
import type { Job, JobResult, WorkerSetup } from './messages.js';
import { runOne } from './run-one.js';
import { succeeded } from './succeeded.js';

const setup = workerData as WorkerSetup;
let shared: MachineOptions | undefined;
/** Memory of the last machine, unless that ended with an error. */
let memory: WebAssembly.Memory | undefined;

/** Modules by name are all of one target and one tree: those are opened once. */
function optionsFor(subject: RunSubject): MachineOptions {
  if (subject.kind === 'file') return machineOptions(setup, subject);
  if (!shared) {
    const options = machineOptions(setup);
    shared = { ...options, tree: openTree(options) };
  }
  return shared;
}

function run(name: string): JobResult {
  try {
    const subject = subjectOf(name);
    const freebsd = freebsdTargetOf(setup, subject);
    if (freebsd) return runFreebsd(kldSubject(freebsd, setup, subject, setup.parameters));
    const options = { ...optionsFor(subject), ...runLimits(setup.seconds), ...(memory && { memory }) };
    memory = undefined;
    const onEnd = (machine: Machine): void => {
      memory = machine.release();
    };
    return resultOf(runOne(options, subject, { ...setup, onEnd }));
  } catch (error) {
    const why = whyOf(error);
    return { json: JSON.stringify(failedReport(name, why)), ok: false, why };
  }
}

function runFreebsd(kld: KldSubject): JobResult {
  const options = { ...kld.options, ...runLimits(setup.seconds), ...(memory && { memory }) };
  memory = undefined;
  const report = runOneKld(
    { ...kld, options },
    {
      ...setup,
      onEnd: (machine) => {
        memory = machine.release();
      },
    },
  );
  return resultOf(report);
}

function resultOf(report: RunReport): JobResult {
  const why = report.unimplemented[0]?.symbol ?? report.faults[0]?.message ?? report.modprobe.stderr[0] ?? '';
  return { json: visibleJson(JSON.stringify(report)), ok: succeeded(report), why };
}

parentPort!.on('message', (job: Job) => parentPort!.postMessage(run(job.name)));
