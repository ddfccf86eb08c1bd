import type { SubsystemClass } from '../subsystem.js';
import { Bitmap } from './bits/bitmap.js';
import { Cpumask } from './bits/cpumask.js';
import { FindBit } from './bits/find.js';
import { BitWeight } from './bits/weight.js';
import { Checksum } from './crc/checksum.js';
import { Crc } from './crc/crc.js';
import { ChaCha } from './crypto/chacha.js';
import { Fonts } from './fonts/fonts.js';
import { BucketLocks } from './hash/bucket-locks.js';
import { Hashes } from './hash/hashes.js';
import { Xxhash } from './hash/xxhash-exports.js';
import { Kfifo } from './kfifo/kfifo.js';
import { ListDebug } from './lists/list-debug.js';
import { Llist } from './lists/llist.js';
import { IntegerMath } from './math/math.js';
import { DynamicQueueLimits } from './misc/dynamic-queue-limits.js';
import { IoAccess } from './misc/io.js';
import { Lockref } from './misc/lockref.js';
import { DoOnce } from './misc/once.js';
import { Refcount } from './misc/refcount.js';
import { ZlibMemory } from './misc/zlib-memory.js';
import { ZstdMemory } from './misc/zstd-memory.js';
import { PercpuCounter } from './percpu/counter.js';
import { PercpuRef } from './percpu/ref.js';
import { RandomNumbers } from './random/random.js';
import { Uuid } from './random/uuid.js';
import { Rhashtable } from './rhashtable/rhashtable.js';
import { RhashtableWalk } from './rhashtable/walk.js';
import { ScatterIterators } from './scatterlist/iterators.js';
import { Scatterlist } from './scatterlist/scatterlist.js';
import { Sort } from './sort/sort.js';
import { Duplicate } from './string/duplicate.js';
import { Memory } from './string/memory.js';
import { Numbers } from './string/numbers.js';
import { Strings } from './string/strings.js';
import { TextFunctions } from './string/text-functions.js';
import { Parser } from './text/parser.js';
import { SeqBuf } from './text/seq-buf.js';
import { TextSearch } from './text/textsearch.js';
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
  ZstdMemory,
  RandomNumbers,
  Uuid,
  RbTrees,
  IntervalTree,
  XArrays,
  XaState,
  RadixTree,
  Idr,
  Ida,
  Sort,
  Llist,
  Kfifo,
  Fonts,
  PercpuCounter,
  PercpuRef,
  Parser,
  Scatterlist,
  ScatterIterators,
  SeqBuf,
  Lockref,
  DoOnce,
  Cpumask,
  Checksum,
  IoAccess,
  Rhashtable,
  RhashtableWalk,
  Xxhash,
  DynamicQueueLimits,
  TextSearch,
  ZlibMemory,
  BucketLocks,
  ChaCha,
];
