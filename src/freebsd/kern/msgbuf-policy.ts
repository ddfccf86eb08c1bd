import { LOGLEVEL_INFO, type LogPolicy } from '../../kernel/log.js';

/** The message buffer (sys/kern/subr_msgbuf.c): bytes, of which lines are made for readers; nothing limits one. */
export const MSGBUF: LogPolicy = { recordBytes: 1 << 16, reserved: 0, defaultLevel: LOGLEVEL_INFO };
