import type { CpuException } from '../../cpu/cpu-types.js';
import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import { OutOfMemory, Unimplemented } from '../../kernel/errors.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { TargetError } from '../../target/index.js';
import { ListFault } from '../abi/list.js';
import { type FaultKind, Oops } from '../errors.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { TaintName } from '../kallsyms/taint.js';
import type { LinuxKernel } from '../kernel.js';
import { describe } from './describe.js';
import { describeInternal, isStackOverflow } from './internal-error.js';

/** What a task dies of: what the oops begins with, and what it is reported as. */
export interface Death {
  readonly kind: FaultKind;
  /** First line of the oops. */
  readonly head: string;
  readonly lines: readonly string[];
  readonly address: bigint;
  /** What the report says, where that is more than the first line. */
  readonly reason?: string | undefined;
  /** Begins with the line of scissors: BUG() and its like. */
  readonly cutHere?: boolean;
  /** DIE where nothing is said. */
  readonly taint?: TaintName;
  /** Functions of the host that an error nobody expected came through. */
  readonly places?: readonly string[];
}

/** What is nearer to NULL than this is a member of a structure that is not there. */
const NULL_PAGES = 0x1_0000n;
const INVALID_OPCODE = ['invalid opcode: 0000'] as const;

/** What a task dies of when a function of the base kernel, `served`, that serves it throws. */
export function deathOf(k: LinuxKernel, task: Task, error: unknown, served: string): Death {
  // One of its own that it called without a detour: see GuestCalls.
  const name = k.exports.nameAt(k.space.fromAddress(k.cpu.rip)) ?? served;
  const caller = k.space.toAddress(task.caller);
  if (error instanceof Unimplemented) {
    const head = `modbox: ${error.symbol} is not implemented${error.prototype && `: ${error.prototype}`}`;
    const reason = error.why ? `${head}: ${error.why}` : undefined;
    const lines = [...(error.why ? [error.why] : []), `called from ${symbolize(k, task.caller)}`];
    return { kind: 'unimplemented-export', head, lines, address: caller, reason };
  }
  if (error instanceof GuestFault && error.address < NULL_PAGES && k.budget.justRefused)
    return outOfMemory(k, task, `${name} got no memory for what it had to make`);
  if (error instanceof GuestFault) {
    const exception: CpuException = { vector: 'PF', address: error.address, access: error.access };
    const { kind, head, lines } = describe(k, task, exception);
    return { kind, head, lines: [...lines, `in ${name}`], address: error.address };
  }
  if (error instanceof ListFault) {
    const { line, text } = k.traps.explainList(error);
    k.log.line(text, LOGLEVEL_ERR);
    const head = `kernel BUG at lib/list_debug.c:${line}!`;
    const address = k.space.toAddress(error.entry);
    return { kind: 'list-corruption', head, lines: INVALID_OPCODE, address, cutHere: true };
  }
  if (error instanceof Oops) return deathByOops(k, error);
  if (error instanceof EndlessWork) return lockup(k, task, [`in ${name}: ${error.message}`]);
  if (error instanceof OutOfMemory) return outOfMemory(k, task, error.message);
  if (isStackOverflow(error)) {
    const head = `BUG: TASK stack guard page was hit: ${name} calls itself without end`;
    return { kind: 'stack-overflow', head, lines: ['stack guard page: 0000'], address: caller };
  }
  if (error instanceof TargetError) {
    const head = `modbox: ${name} is not implemented for this kernel: ${error.message}`;
    const lines = [`called from ${symbolize(k, task.caller)}`];
    return { kind: 'unimplemented-export', head, lines, address: caller };
  }
  const { message, places } = describeInternal(error);
  const head = `modbox: internal error in ${name}: ${message}; this is a fault of modbox: please report it with this log`;
  return { kind: 'internal', head, lines: [], address: 0n, places };
}

/** BUG() is an invalid instruction; a panic is not. */
function deathByOops(k: LinuxKernel, { kind, message, address, reason }: Oops): Death {
  const isBug = message.startsWith('kernel BUG at');
  return {
    kind,
    head: message,
    reason,
    lines: isBug ? INVALID_OPCODE : [],
    address: k.space.toAddress(address),
    cutHere: kind !== 'panic' && kind !== 'stack-corruption',
  };
}

/** What the OOM killer says of whom it kills (mm/oom_kill.c). */
function outOfMemory(k: LinuxKernel, task: Task, reason: string): Death {
  const head = `Out of memory: Killed process ${k.processes.pid(task)} (${task.name})`;
  return { kind: 'out-of-memory', head, lines: [reason], address: 0n };
}

/** What the watchdogs say (kernel/watchdog.c, kernel/watchdog_hld.c): of an interrupt, and of any other task. */
export function lockup(k: LinuxKernel, task: Task, lines: readonly string[]): Death {
  const comm = k.struct('task_struct').text(k.current, 'comm');
  const head = task.isInterrupt
    ? 'NMI watchdog: Watchdog detected hard LOCKUP on cpu 0'
    : `watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [${comm}:${k.processes.pid(task)}]`;
  return { kind: 'soft-lockup', head, lines, address: k.cpu.rip, taint: 'SOFTLOCKUP' };
}
