import type { SubsystemClass } from '../subsystem.js';
import { Duplicate } from './string/duplicate.js';
import { Memory } from './string/memory.js';
import { Numbers } from './string/numbers.js';
import { Strings } from './string/strings.js';
import { TextFunctions } from './string/text-functions.js';
import { Vsprintf } from './vsprintf/vsprintf.js';

export const LIB_SUBSYSTEMS: readonly SubsystemClass[] = [
  Vsprintf,
  Memory,
  Strings,
  Duplicate,
  Numbers,
  TextFunctions,
];
