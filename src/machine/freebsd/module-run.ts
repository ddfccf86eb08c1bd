import { errnoName } from '../../freebsd/errno.js';
import { KernLinker } from '../../freebsd/linker/kern-linker.js';
import { LeftBehinds } from '../../freebsd/linker/left-behind.js';
import type { LinkerFile } from '../../freebsd/linker/linker-file.js';
import { kldload } from '../../kld/tools/kldload.js';
import { kldunload } from '../../kld/tools/kldunload.js';
import { hangText, type ProcessEnd } from '../base-machine.js';
import type { ExecResult, RunReport } from '../run-report.js';
import { linesOf } from '../terminal.js';
import { leaksSince } from './leaks.js';
import type { FreebsdMachine } from './machine.js';

export interface KldRunOptions {
  /** Leave the file loaded. */
  readonly keep?: boolean;
  /** Runs a command while the file is loaded. */
  readonly exec?: { readonly commands: readonly string[]; run(command: string): ExecResult };
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** How long booting took. */
  readonly bootMs: number;
  /** Told of each step of the run. */
  readonly onStep?: (step: 'loaded' | 'used' | 'removed') => void;
}

const NOTHING_DONE: ProcessEnd = { exit: 0, stdout: '', stderr: '', hangs: false };
/** Virtual time after loading and after unloading, for what was started to happen. */
const AFTERWARDS_NS = 200e6;

/** Loads a kld into a machine, uses it, unloads it, and tells what happened: `name` as kldload(8) takes it. */
export function runKld(machine: FreebsdMachine, name: string, options: KldRunOptions): RunReport {
  const { kernel } = machine;
  const mark = kernel.ledger.mark;
  const heapBefore = kernel.ledger.bytes;
  const executed = kernel.cpu.executed;
  const logStart = kernel.log.next;
  let file: LinkerFile | undefined;
  const basename = name.slice(name.lastIndexOf('/') + 1);
  const watch = kernel.get(KernLinker).listen((event) => {
    const { filename, modules } = event.file;
    const isIt =
      filename === basename || filename === `${basename}.ko` || modules.some((one) => one.name === basename);
    if (event.state === 'coming' && isIt) file = event.file;
  });
  const started = options.now();
  const load = ended('kldload', machine.tool('kldload', kldload, ['-v', name]));
  const loadMs = options.now() - started;
  const errno = load.exit === 0 ? undefined : machine.klds.failure;
  const modules = machine.listing();
  machine.sleep(AFTERWARDS_NS);
  const dmesg = kernel.log.linesFrom(logStart);
  options.onStep?.('loaded');
  const alive = machine.panicked === undefined;
  const exec = alive ? (options.exec?.commands.map((command) => options.exec!.run(command)) ?? []) : [];
  options.onStep?.('used');
  const logRemove = kernel.log.next;
  const removing = options.now();
  const removes = !options.keep && load.exit === 0 && file !== undefined && machine.panicked === undefined;
  const remove = removes
    ? ended('kldunload', machine.tool('kldunload', kldunload, ['-v', file!.filename]))
    : NOTHING_DONE;
  machine.sleep(AFTERWARDS_NS);
  const removeMs = options.now() - removing;
  watch();
  const leaks = leaksSince(kernel, mark);
  kernel.log.flush();
  options.onStep?.('removed');
  return {
    module: basename.replace(/\.ko$/, ''),
    modprobe: { exit: load.exit, insmod: linesOf(load.stdout), stderr: linesOf(load.stderr) },
    dmesg,
    modules,
    tainted: 0,
    remove: { exit: remove.exit, rmmod: linesOf(remove.stdout), stderr: linesOf(remove.stderr) },
    dmesgAfterRemove: kernel.log.linesFrom(logRemove),
    left: machine.listing().map((entry) => entry.name),
    target: kernel.target.name,
    errno: errno === undefined ? null : errnoName(errno),
    exec,
    instructions: kernel.cpu.executed - executed,
    unimplemented: [...kernel.trap.reports.unimplemented],
    native: null,
    limits: kernel.exports.usedLimits,
    faults: [...machine.faults()],
    faultsNotKept: machine.faultsNotKept,
    leaks,
    unbound: [],
    leftBehind: [...kernel.get(LeftBehinds).found],
    memory: {
      moduleBytes: file?.size ?? 0,
      initBytesFreed: 0,
      heapPeakBytes: Math.max(0, kernel.ledger.peak - heapBefore),
      heapLeftBytes: leaks.reduce((sum, leak) => sum + leak.bytes, 0),
    },
    wallMs: { boot: round(options.bootMs), load: round(loadMs), remove: round(removeMs) },
    taints: [],
  };
}

function ended(name: string, end: ProcessEnd): ProcessEnd {
  return end.hangs ? { ...end, stderr: `${end.stderr}modbox: ${hangText(name)}\n` } : end;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
