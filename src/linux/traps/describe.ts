import type { CpuException } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_CRIT } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { TASK_SIZE_MAX } from '../abi/limits.js';
import type { FaultKind } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { USER } from '../memory-map.js';

/** An exception put into words: what the oops begins with. */
interface Trouble {
  readonly kind: FaultKind;
  readonly head: string;
  readonly lines: readonly string[];
  readonly address: bigint;
}

/** The kind of an exception and the first lines of its oops, as arch/x86's handlers word them. */
export function describe(k: LinuxKernel, task: Task, exception: CpuException): Trouble {
  if (exception.unimplemented !== undefined) {
    const head = `modbox: instruction not implemented: ${exception.unimplemented}`;
    return { kind: 'unimplemented-instruction', head, lines: ['invalid opcode: 0000'], address: k.cpu.rip };
  }
  switch (exception.vector) {
    case 'PF':
      return describePageFault(k, task, exception);
    case 'DE':
      return { kind: 'divide-error', head: 'divide error: 0000', lines: [], address: k.cpu.rip };
    case 'UD':
      return { kind: 'invalid-opcode', head: 'invalid opcode: 0000', lines: [], address: k.cpu.rip };
    case 'GP':
      return describeProtection(k, exception);
    case 'BP':
      return { kind: 'exception', head: 'int3: 0000', lines: [], address: k.cpu.rip };
    default:
      return {
        kind: 'exception',
        head: `exception #${exception.vector}: 0000`,
        lines: [],
        address: k.cpu.rip,
      };
  }
}

/**
 * Whether a page fault is an access to a user address outside of stac and clac: no exception table entry mends it then
 * (do_user_addr_fault in arch/x86/mm/fault.c).
 */
export function breaksSmap(k: LinuxKernel, { vector, address = 0n }: CpuException): boolean {
  return vector === 'PF' && address < TASK_SIZE_MAX && !k.space.user.open;
}

function describePageFault(k: LinuxKernel, task: Task, exception: CpuException): Trouble {
  const address = exception.address ?? 0n;
  const access = exception.access ?? 'read';
  const ptr = k.space.fromAddress(address);
  const digits = address.toString(16).padStart(16, '0');
  const present = k.space.isMapped(ptr);
  const code = (present ? 1 : 0) | (access === 'write' ? 2 : 0) | (access === 'execute' ? 16 : 0);
  const errorCode = code.toString(16).padStart(4, '0');
  const verb = { read: 'read access', write: 'write access', execute: 'instruction fetch' }[access];
  const lines = [
    `#PF: supervisor ${verb} in kernel mode`,
    `#PF: error_code(0x${errorCode}) - ${present ? 'permissions violation' : 'not-present page'}`,
    `Oops: ${errorCode}`,
  ];
  if (!isCanonical(address)) {
    return describeProtection(k, exception);
  }
  if (ptr >= task.stackBase - 4096 && ptr < task.stackBase) {
    const head = `BUG: TASK stack guard page was hit at ${digits} (stack is ${hex(k, task.stackBase)}..${hex(k, task.stackBase + task.stackSize)})`;
    return { kind: 'stack-overflow', head, lines: ['stack guard page: 0000'], address };
  }
  if (address < BigInt(4096)) {
    const head = `BUG: kernel NULL pointer dereference, address: ${digits}`;
    return { kind: 'null-dereference', head, lines, address };
  }
  const isUser = ptr >= USER.start && ptr < USER.start + USER.size;
  if (access === 'execute' && present) {
    k.log.line(
      isUser
        ? 'unable to execute userspace code (SMEP?) (uid: 0)'
        : 'kernel tried to execute NX-protected page - exploit attempt? (uid: 0)',
      LOGLEVEL_CRIT,
    );
  }
  const head = `BUG: unable to handle page fault for address: ${digits}`;
  const kind =
    access === 'execute'
      ? 'execute-fault'
      : access === 'write' && present && !isUser
        ? 'write-protected'
        : 'page-fault';
  return { kind, head, lines, address };
}

function describeProtection(k: LinuxKernel, exception: CpuException): Trouble {
  const { address } = exception;
  const where = address === undefined ? '' : `, probably for non-canonical address 0x${address.toString(16)}`;
  const head = `general protection fault${where}: 0000`;
  return { kind: 'general-protection', head, lines: [], address: address ?? k.cpu.rip };
}

function isCanonical(address: bigint): boolean {
  const top = address >> 47n;
  return top === 0n || top === 0x1ffffn;
}

function hex(k: LinuxKernel, ptr: Ptr): string {
  return k.space.toAddress(ptr).toString(16).padStart(16, '0');
}
