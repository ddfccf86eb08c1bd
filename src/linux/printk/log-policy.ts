import { LOGLEVEL_WARNING, type LogPolicy } from '../../kernel/log.js';

/** LOG_LINE_MAX (kernel/printk/printk.c): a record's 1024 bytes less room for a console's prefix. */
export const LOG_LINE_MAX = 1024 - 32;

/** Linux's log. What printk() formats has the two characters of KERN_SOH and a level before it and a NUL behind it. */
export const PRINTK: LogPolicy = { recordBytes: LOG_LINE_MAX, reserved: 3, defaultLevel: LOGLEVEL_WARNING };
