import type { CpuException, Vector } from '../../cpu/cpu-types.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import { Code } from './code.js';
import type { FaultKind } from './panic.js';

/** What a thread dies of: what is printed before the panic's message, and what it is reported as. */
export interface Death {
  readonly kind: FaultKind;
  /** What the report says. */
  readonly message: string;
  /** panic()'s message, where it is another. */
  readonly panic?: string;
  readonly address: bigint;
  /** Lines of `Fatal trap`; none of a panic by name. */
  readonly lines: readonly string[];
  readonly reason?: string;
  /** A function of the kernel that is not there. */
  readonly missing?: string;
  /** Functions of the host that an error nobody expected came through. */
  readonly places?: readonly string[];
}

/** trap numbers and their words (sys/x86/include/trap.h, trap_msg of sys/amd64/amd64/trap.c). */
const TRAPS: Readonly<Record<Vector, readonly [number: number, text: string]>> = {
  DE: [18, 'integer divide fault'],
  DB: [10, 'trace trap'],
  BP: [3, 'breakpoint instruction fault'],
  OF: [20, 'overflow trap'],
  BR: [21, 'FPU bounds check fault'],
  UD: [1, 'privileged instruction fault'],
  NM: [22, 'FPU device not available'],
  SS: [27, 'stack fault'],
  GP: [9, 'general protection fault'],
  PF: [12, 'page fault'],
  AC: [14, 'alignment fault'],
  XM: [29, 'SIMD floating-point exception'],
};
const NULL_PAGES = 0x1000n;
const CODE_SELECTOR = '0x20';
const STACK_SELECTOR = '0x28';

const KINDS: Partial<Readonly<Record<Vector, FaultKind>>> = {
  DE: 'divide-error',
  UD: 'invalid-opcode',
  GP: 'general-protection',
};

/** What an exception is to the kernel. */
export function deathByException(k: FreebsdKernel, task: Task, exception: CpuException): Death {
  const address = exception.address ?? k.cpu.rip;
  if (exception.unimplemented !== undefined) {
    const message = `modbox: instruction not implemented: ${exception.unimplemented}`;
    return { kind: 'unimplemented-instruction', message, address: k.cpu.rip, lines: [] };
  }
  const [number, text] = TRAPS[exception.vector];
  const at = k.space.fromAddress(address);
  const absent = exception.vector === 'PF' ? k.variables.absentAt(at) : undefined;
  if (absent !== undefined) {
    // What no header declares may be a function or a variable: how it is used tells.
    if (exception.access === 'execute') {
      const message = `modbox: ${absent} is not implemented`;
      return { kind: 'unimplemented-export', message, address, lines: [], missing: absent };
    }
    const message = `modbox: the kernel's variable ${absent} is not implemented`;
    return { kind: 'absent-variable', message, address, lines: [] };
  }
  const access = exception.access ?? 'read';
  const kind =
    exception.vector === 'PF'
      ? kindOfPageFault(k, task, address, access)
      : (KINDS[exception.vector] ?? 'exception');
  const head = `Fatal trap ${number}: ${text} while in kernel mode`;
  const lines = ['', '', head, 'cpuid = 0; apic id = 00'];
  if (exception.vector === 'PF') {
    const present = k.space.isMapped(at) ? 'protection violation' : 'page not present';
    const verb = access === 'write' ? 'write data' : access === 'execute' ? 'read instruction' : 'read data';
    lines.push(
      `fault virtual address\t= 0x${address.toString(16)}`,
      `fault code\t\t= supervisor ${verb}, ${present}`,
    );
  }
  const where = k.get(Code).symbolize(k.space.fromAddress(k.cpu.rip));
  const reason =
    exception.vector === 'PF'
      ? `${text}: ${access} at 0x${address.toString(16)} in ${where}`
      : `${text} in ${where}`;
  return { kind, message: text, reason, address, lines: [...lines, ...frameLines(k, task, number)] };
}

function kindOfPageFault(k: FreebsdKernel, task: Task, address: bigint, access: string): FaultKind {
  const at = k.space.fromAddress(address);
  if (at >= task.stackBase - 4096 && at < task.stackBase) return 'stack-overflow';
  if (address < NULL_PAGES) return 'null-dereference';
  if (!k.space.isMapped(at)) return 'page-fault';
  if (access === 'execute') return 'execute-fault';
  return access === 'write' ? 'write-protected' : 'page-fault';
}

/** The registers, as trap_fatal() prints them. */
function frameLines(k: FreebsdKernel, task: Task, number: number): string[] {
  const { cpu, processes } = k;
  const process = processes.processOf(task);
  const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
  const row = (...registers: (readonly [string, number])[]): string =>
    registers.map(([name, register]) => `${name}: ${hex(cpu.get(register))}`).join(' ');
  return [
    `instruction pointer\t= ${CODE_SELECTOR}:0x${cpu.rip.toString(16)}`,
    `stack pointer\t        = ${STACK_SELECTOR}:0x${cpu.get(4).toString(16)}`,
    `frame pointer\t        = ${STACK_SELECTOR}:0x${cpu.get(5).toString(16)}`,
    'code segment\t\t= base 0x0, limit 0xfffff, type 0x1b',
    '\t\t\t= DPL 0, pres 1, long 1, def32 0, gran 1',
    `processor eflags\t= ${cpu.interruptsEnabled ? 'interrupt enabled, ' : ''}resume, IOPL = 0`,
    `current process\t\t= ${process.pid} (${processes.nameOf(task)})`,
    row(['rdi', 7], ['rsi', 6], ['rdx', 2]),
    row(['rcx', 1], ['r8', 8], ['r9', 9]),
    row(['rax', 0], ['rbx', 3], ['rbp', 5]),
    row(['r10', 10], ['r11', 11], ['r12', 12]),
    row(['r13', 13], ['r14', 14], ['r15', 15]),
    `trap number\t\t= ${number}`,
  ];
}
