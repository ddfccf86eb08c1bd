import type { UsedLimit } from '../kernel/abi/export-table.js';
import type { LeftBehind } from '../kernel/modules/left-behind.js';
import type { Leak } from './leaks.js';
import type { ReportedFault } from './reported-fault.js';

/** A module while it is loaded. */
export interface ListedModule {
  readonly name: string;
  readonly size: number;
  readonly refcnt: number;
  readonly usedBy: readonly string[];
  readonly permanent: boolean;
  readonly state: string;
  readonly taints: string;
}

/** A function of the kernel that guest code called and that the base kernel lacks. */
export interface UnimplementedFunction {
  readonly symbol: string;
  readonly prototype: string;
  readonly caller: string;
  /** Why the target's own code does not run in its place, where its image is at hand. */
  readonly why?: string;
}

/** What of a target's own code was run. */
export interface NativeReport {
  readonly subsystems: readonly string[];
  readonly functions: readonly string[];
}

/** A driver that no device was found for. */
export interface IdleDriver {
  readonly driver: string;
  readonly bus: string;
  /** What devices it waits for. */
  readonly ids: readonly string[];
}

/** What a kernel says that it is not to be trusted for any longer, and who caused it. */
export interface ReportedTaint {
  readonly flag: string;
  readonly name: string;
  readonly bit: number;
  readonly causedBy: { readonly module: string; readonly task: string; readonly reason: string };
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
  readonly modules: readonly ListedModule[];
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
  readonly unimplemented: readonly UnimplementedFunction[];
  /** What of the target's own code was run; null where there is none, or it is off. */
  readonly native: NativeReport | null;
  /** Functions that were called and do less here than in the kernel. */
  readonly limits: readonly UsedLimit[];
  readonly faults: readonly ReportedFault[];
  /** Further ones that were counted and not kept: each is of a kind that `faults` has many of. */
  readonly faultsNotKept: number;
  readonly leaks: readonly Leak[];
  /** Drivers of the module that no device was found for. */
  readonly unbound: readonly IdleDriver[];
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
  readonly taints: readonly ReportedTaint[];
}
