/** Durations in nanoseconds, as clocks and alarms take them. */
export const us = (microseconds: number): number => microseconds * 1e3;
export const ms = (milliseconds: number): number => milliseconds * 1e6;
export const seconds = (count: number): number => count * 1e9;
