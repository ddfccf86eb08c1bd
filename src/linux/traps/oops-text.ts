import { RSP } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';
import { TaskCredentials } from '../credentials.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';

const REGISTER_NAMES = [
  'RAX',
  'RCX',
  'RDX',
  'RBX',
  'RSP',
  'RBP',
  'RSI',
  'RDI',
  'R08',
  'R09',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
] as const;

const hex16 = (value: bigint): string => value.toString(16).padStart(16, '0');
const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** Registers by name, as 16 hex digits; RIP and EFLAGS included. */
export function registerDump(k: LinuxKernel): Record<string, string> {
  const dump: Record<string, string> = { RIP: hex16(k.cpu.rip), EFLAGS: hex8(Number(k.cpu.rflags)) };
  REGISTER_NAMES.forEach((name, register) => {
    dump[name] = hex16(k.cpu.get(register));
  });
  return dump;
}

/**
 * `CPU: 0 PID: 104 Comm: insmod Tainted: G ... 6.1.0-53-amd64 #1  Debian 6.1.187-1` (dump_stack_print_info()). Kernels
 * that have names for taints spell them out on a line of their own, and say whose the task is.
 */
export function cpuLines(k: LinuxKernel, task: Task): string[] {
  const version = /#.*$/.exec(k.target.banner)?.[0] ?? '';
  const short = version.replace(/ \(\d{4}-.*\)$/, '').replace(/ SMP.*? (Debian)/, '  $1');
  const comm = k.struct('task_struct').text(k.current, 'comm');
  const { taint } = k.traps;
  const user = taint.hasNames ? ` UID: ${k.get(TaskCredentials).currentUid}` : '';
  const names = taint.printNames();
  return [
    `CPU: 0${user} PID: ${k.processes.pid(task)} Comm: ${comm} ${taint.print()} ${k.target.release} ${short}`,
    ...(names === undefined ? [] : [names]),
  ];
}

/** The bytes round RIP, the one at RIP in angle brackets. */
function codeLine(k: LinuxKernel, rip: Ptr): string {
  const { space } = k;
  if (!space.canRead(rip)) return `Code: Unable to access opcode bytes at 0x${k.cpu.rip.toString(16)}.`;
  const parts: string[] = [];
  for (let at = rip - 42; at < rip + 22; at++) {
    const byte = space.canRead(at) ? space.bytes[at].toString(16).padStart(2, '0') : '??';
    parts.push(at === rip ? `<${byte}>` : byte);
  }
  return `Code: ${parts.join(' ')}`;
}

/** Register block of an oops or a warning, from the RIP line to CR2. */
export function registerLines(k: LinuxKernel, rip: Ptr, cr2: bigint): string[] {
  const r = registerDump(k);
  const control = (register: number): bigint => k.platform.readControl(register);
  const place = symbolAt(k, rip) ? symbolize(k, rip) : `0x${k.cpu.rip.toString(16)}`;
  return [
    `RIP: 0010:${place}`,
    codeLine(k, rip),
    `RSP: 0018:${hex16(k.cpu.get(RSP))} EFLAGS: ${r.EFLAGS}`,
    `RAX: ${r.RAX} RBX: ${r.RBX} RCX: ${r.RCX}`,
    `RDX: ${r.RDX} RSI: ${r.RSI} RDI: ${r.RDI}`,
    `RBP: ${r.RBP} R08: ${r.R08} R09: ${r.R09}`,
    `R10: ${r.R10} R11: ${r.R11} R12: ${r.R12}`,
    `R13: ${r.R13} R14: ${r.R14} R15: ${r.R15}`,
    `FS:  ${hex16(0n)}(0000) GS:${hex16(k.cpu.gsBase)}(0000) knlGS:${hex16(0n)}`,
    `CS:  0010 DS: 0000 ES: 0000 CR0: ${hex16(control(0))}`,
    `CR2: ${hex16(cr2)} CR3: ${hex16(control(3))} CR4: ${hex16(control(4))}`,
  ];
}

/** ` <TASK>` ... ` </TASK>` */
export function traceLines(trace: readonly string[]): string[] {
  return ['Call Trace:', ' <TASK>', ...trace.map((entry) => ` ${entry}`), ' </TASK>'];
}

/** `Modules linked in: hello(OE+) [last unloaded: params(OE)]` */
export function modulesLine(k: LinuxKernel): string {
  const modules = k.get(Modules);
  const linked = modules.list().map((module) => ` ${module.name}${module.flagLetters()}`);
  const gone = modules.lastUnloaded === '' ? '' : ` [last unloaded: ${modules.lastUnloaded}]`;
  return `Modules linked in:${linked.join('')}${gone}`;
}

export const END_TRACE = '---[ end trace 0000000000000000 ]---';
