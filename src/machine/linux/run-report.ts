import type { UsedLimit } from '../../kernel/abi/export-table.js';
import type { LeftBehind } from '../../kernel/modules/left-behind.js';
import { errnoName } from '../../linux/errno.js';
import type { ModuleListing } from '../../linux/kallsyms/modules.js';
import type { NativeUse } from '../../linux/native/native-code.js';
import type { FaultReport } from '../../linux/traps/report.js';
import type { UnimplementedCall } from '../../linux/traps/traps.js';
import type { Leak } from '../leaks.js';
import { addressText, type ReportedFault } from '../reported-fault.js';
import type { TaintEntry } from './taints.js';
import type { UnboundDriver } from './unbound.js';

/** A fault as reports have it. */
export function reportedFault(fault: FaultReport): ReportedFault {
  return { ...fault, address: addressText(fault.address) };
}

export interface ExecResult {
  readonly command: string;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `modbox run --json` prints for one module. */
export interface RunReport {
  readonly module: string;
  readonly modprobe: {
    readonly exit: number;
    readonly insmod: readonly string[];
    readonly stderr: readonly string[];
  };
  /** Log lines since the load began. */
  readonly dmesg: readonly string[];
  /** While loaded. */
  readonly modules: readonly ModuleListing[];
  readonly tainted: number;
  readonly remove: {
    readonly exit: number;
    readonly rmmod: readonly string[];
    readonly stderr: readonly string[];
  };
  readonly dmesgAfterRemove: readonly string[];
  /** Modules that were still there at the end. */
  readonly left: readonly string[];
  readonly target: string;
  /** `ENODEV` where loading failed. */
  readonly errno: string | null;
  readonly exec: readonly ExecResult[];
  readonly instructions: number;
  readonly unimplemented: readonly UnimplementedCall[];
  /** What of the target's own code was run; null where there is none, or it is off. */
  readonly native: NativeUse | null;
  /** Functions that were called and do less here than in the kernel. */
  readonly limits: readonly UsedLimit[];
  readonly faults: readonly ReportedFault[];
  /** Further ones that were counted and not kept: each is of a kind that `faults` has many of. */
  readonly faultsNotKept: number;
  readonly leaks: readonly Leak[];
  /** Drivers of the module that no device was found for. */
  readonly unbound: readonly UnboundDriver[];
  /** What modules registered and did not take back before they went. */
  readonly leftBehind: readonly LeftBehind[];
  readonly memory: {
    /** Of the module itself, once its init memory is gone. */
    readonly moduleBytes: number;
    readonly initBytesFreed: number;
    /** Most heap in use at once, beyond what the base kernel had. */
    readonly heapPeakBytes: number;
    /** What was not given back. */
    readonly heapLeftBytes: number;
  };
  readonly wallMs: { readonly boot: number; readonly load: number; readonly remove: number };
  /** What the kernel was tainted with at the end, and who did it first. */
  readonly taints: readonly TaintEntry[];
}

export function errnoField(errno: number | undefined): string | null {
  return errno === undefined || errno === 0 ? null : errnoName(errno);
}
