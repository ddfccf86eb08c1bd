import { HOST_RETURN, R8, R9, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP } from '../../cpu/cpu-types.js';
import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Fault } from '../../kernel/probes.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import { Code } from './code.js';
import type { FaultKind } from './panic.js';

/** A fault, a misuse or a panic that was found. */
export interface FaultReport extends Fault {
  readonly kind: FaultKind;
  readonly message: string;
  readonly address: bigint;
  /** Instruction, symbolised, and the file that it is of. */
  readonly at: string;
  readonly module: string;
  readonly registers: Readonly<Record<string, string>>;
  /** Innermost first. */
  readonly trace: readonly string[];
}

/** An export that guest code called and that this base kernel lacks. */
export interface UnimplementedCall {
  readonly symbol: string;
  readonly prototype: string;
  readonly caller: string;
}

/** What is said of a fault where it is found. */
export interface Finding {
  readonly kind: FaultKind;
  readonly message: string;
  readonly address?: bigint;
  /** The instruction; the caller of the base kernel where nothing is said. */
  readonly at?: Ptr;
  /** The file that is to blame where no frame of the thread's tells. */
  readonly culprit?: string | undefined;
  /** More lines about it, before the functions. */
  readonly details?: readonly string[];
}

/** Reports that are kept: a fault in a loop says nothing new after so many. */
const MAX_REPORTS = 1000;
const REGISTERS: readonly (readonly [name: string, number: number])[] = [
  ['rax', RAX],
  ['rbx', RBX],
  ['rcx', RCX],
  ['rdx', RDX],
  ['rsi', RSI],
  ['rdi', RDI],
  ['rbp', RBP],
  ['rsp', RSP],
  ['r8', R8],
  ['r9', R9],
  ['r10', 10],
  ['r11', 11],
  ['r12', 12],
  ['r13', 13],
  ['r14', 14],
  ['r15', 15],
];

/** What was found wrong since boot. */
export class Reports {
  readonly all: FaultReport[] = [];
  /** Further ones that were counted and not kept. */
  suppressed = 0;
  readonly unimplemented: UnimplementedCall[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  /** Adds one about a task: the running one, if nothing is said. */
  add(finding: Finding, task: Task | undefined = this.k.executor.current): void {
    const { k } = this;
    if (this.all.length >= MAX_REPORTS) {
      this.suppressed++;
      return;
    }
    const code = k.get(Code);
    const at = finding.at ?? task?.caller ?? 0;
    // Guest code that ended in a jump to the base kernel: the function that was called stands for it.
    const place = task && k.space.toAddress(at) === HOST_RETURN ? task.entry : at;
    const report: FaultReport = {
      kind: finding.kind,
      message: finding.message,
      address: finding.address ?? 0n,
      at: code.symbolize(place),
      module: finding.culprit ?? (task ? this.ofTask(task, () => code.fileOf(task, place), '') : ''),
      registers: this.registers(),
      trace: [
        ...(finding.details ?? []),
        ...(task ? this.ofTask(task, () => code.backtrace(task).map(({ text }) => text), []) : []),
      ],
    };
    this.all.push(report);
    k.probes.faulted?.({ fault: report });
  }

  /** Asks something of a task's stack with its registers; `otherwise` where the module has ruined it. */
  ofTask<T>(task: Task, ask: () => T, otherwise: T): T {
    const { cpu, executor } = this.k;
    const foreign = task.context !== undefined && executor.current !== task;
    const own = foreign ? cpu.saveContext() : undefined;
    if (foreign && task.context) cpu.loadContext(task.context);
    try {
      return ask();
    } catch (error) {
      if (error instanceof GuestFault || error instanceof EndlessWork) return otherwise;
      throw error;
    } finally {
      if (own) cpu.loadContext(own);
    }
  }

  private registers(): Record<string, string> {
    const { cpu } = this.k;
    const all = REGISTERS.map(([name, number]) => [name, cpu.get(number).toString(16).padStart(16, '0')]);
    return Object.fromEntries([['rip', cpu.rip.toString(16).padStart(16, '0')], ...all]);
  }
}
