import type { SubsystemClass } from '../subsystem.js';
import { Bitmap } from './bits/bitmap.js';
import { FindBit } from './bits/find.js';
import { BitWeight } from './bits/weight.js';
import { Crc } from './crc/crc.js';
import { Hashes } from './hash/hashes.js';
import { ListDebug } from './lists/list-debug.js';
import { IntegerMath } from './math/math.js';
import { Refcount } from './misc/refcount.js';
import { RandomNumbers } from './random/random.js';
import { Uuid } from './random/uuid.js';
import { Duplicate } from './string/duplicate.js';
import { Memory } from './string/memory.js';
import { Numbers } from './string/numbers.js';
import { Strings } from './string/strings.js';
import { TextFunctions } from './string/text-functions.js';
import { IntervalTree } from './trees/interval-tree.js';
import { RbTrees } from './trees/rbtree.js';
import { Vsprintf } from './vsprintf/vsprintf.js';
import { Ida } from './xarray/ida.js';
import { Idr } from './xarray/idr.js';
import { RadixTree } from './xarray/radix-tree.js';
import { XaState } from './xarray/xa-state.js';
import { XArrays } from './xarray/xarray.js';

export const LIB_SUBSYSTEMS: readonly SubsystemClass[] = [
  Vsprintf,
  Memory,
  Strings,
  Duplicate,
  Numbers,
  TextFunctions,
  Bitmap,
  FindBit,
  BitWeight,
  Crc,
  Hashes,
  ListDebug,
  IntegerMath,
  Refcount,
  RandomNumbers,
  Uuid,
  RbTrees,
  IntervalTree,
  XArrays,
  XaState,
  RadixTree,
  Idr,
  Ida,
];
