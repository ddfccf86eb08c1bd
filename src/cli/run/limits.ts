import type { MachineOptions } from '../../index.js';

/** Seconds that a module gets that nobody said anything about. */
export const DEFAULT_TIMEOUT_S = 60;
/** Bytes beyond which a machine's own records and files are too many: less than what V8 gives up at. */
const MEMORY_LIMIT = 1.2e9;
/** Memory is measured at one of so many polls, which are milliseconds apart. */
const POLLS_BETWEEN_MEASUREMENTS = 16;

/** Stops commands that take too much of the host's memory. */
export function memoryLimit(): () => 'host-memory' | undefined {
  let polls = 0;
  return () => {
    if (++polls % POLLS_BETWEEN_MEASUREMENTS !== 0) return undefined;
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers > MEMORY_LIMIT ? 'host-memory' : undefined;
  };
}

/**
 * What stops a machine's commands: the time from now on, and the host's memory. Who names a time means it, and work is not
 * counted then.
 */
export function runLimits(seconds: number | undefined): Pick<MachineOptions, 'interrupt' | 'workLimit'> {
  const end = performance.now() + (seconds ?? DEFAULT_TIMEOUT_S) * 1000;
  const memory = memoryLimit();
  return {
    interrupt: () => {
      if (performance.now() > end) return 'timeout';
      return memory();
    },
    ...(seconds !== undefined && { workLimit: Number.POSITIVE_INFINITY }),
  };
}
