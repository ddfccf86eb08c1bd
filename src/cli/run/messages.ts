import type { MachineFlags } from '../open-machine.js';

/** What a worker is started with. */
export interface WorkerSetup extends MachineFlags {
  readonly parameters: readonly string[];
  readonly exec: readonly string[];
  readonly keep: boolean;
  /** Seconds for each module; undefined: as long as usual. */
  readonly seconds: number | undefined;
}

/** To a worker: run this module. */
export interface Job {
  readonly name: string;
}

/** From a worker. */
export interface JobResult {
  readonly json: string;
  readonly ok: boolean;
  readonly why: string;
}
