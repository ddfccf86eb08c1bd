import { moduleNameOf, type RunReport } from '../../index.js';

/** Exit status of a run that told nothing. */
const NO_STATUS = 255;

/** The entry of a module (`subject`, as the list names it) whose run did not come to a report. */
export function failedReport(subject: string, error: string): RunReport & { readonly error: string } {
  return {
    module: listedModule(subject),
    modprobe: { exit: NO_STATUS, insmod: [], stderr: [`modbox: ${error}`] },
    dmesg: [],
    modules: [],
    tainted: 0,
    remove: { exit: NO_STATUS, rmmod: [], stderr: [] },
    dmesgAfterRemove: [],
    left: [],
    target: '',
    errno: null,
    exec: [],
    instructions: 0,
    unimplemented: [],
    native: null,
    limits: [],
    faults: [],
    faultsNotKept: 0,
    leaks: [],
    unbound: [],
    leftBehind: [],
    memory: { moduleBytes: 0, initBytesFreed: 0, heapPeakBytes: 0, heapLeftBytes: 0 },
    wallMs: { boot: 0, load: 0, remove: 0 },
    taints: [],
    error,
  };
}

/** How a report names what a list names. */
export function listedModule(name: string): string {
  return name.includes('/') || /\.ko(\.\w+)?$/.test(name) ? moduleNameOf(name) : name;
}
