import type { SubsystemClass } from '../subsystem.js';
import { ConsoleLock } from './console.js';
import { ConsoleList } from './console-list.js';
import { Consoles } from './consoles.js';
import { DevicePrintk } from './device-printk.js';
import { DynamicDebug } from './dynamic-debug.js';
import { HexDump } from './hex-dump.js';
import { Printk } from './printk.js';
import { Ratelimit } from './ratelimit.js';

export const PRINTK_SUBSYSTEMS: readonly SubsystemClass[] = [
  Printk,
  DevicePrintk,
  DynamicDebug,
  HexDump,
  Ratelimit,
  ConsoleLock,
  ConsoleList,
  Consoles,
];
