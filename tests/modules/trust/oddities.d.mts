/** Files by name: functions that make them of the bytes that `base` gives. */
export function oddities(base: () => Uint8Array): Record<string, () => Uint8Array>;
/** What is said once a boot: each of them is asked about in a boot of its own. */
export const ALONE: ReadonlySet<string>;
/** Of those: two after which the warnings that come once have come. */
export const ONCE: readonly string[];
