import type { SubsystemClass } from '../subsystem.js';
import { Bitmap } from './bits/bitmap.js';
import { Cpumask } from './bits/cpumask.js';
import { FindBit } from './bits/find.js';
import { BitWeight } from './bits/weight.js';
import { Checksum } from './crc/checksum.js';
import { Crc } from './crc/crc.js';
import { Blake2s } from './crypto/blake2s.js';
import { ChaCha } from './crypto/chacha.js';
import { Sha } from './crypto/sha.js';
import { Fonts } from './fonts/fonts.js';
import { BucketLocks } from './hash/bucket-locks.js';
import { Hashes } from './hash/hashes.js';
import { Xxhash } from './hash/xxhash-exports.js';
import { Kfifo } from './kfifo/kfifo.js';
import { ListDebug } from './lists/list-debug.js';
import { Llist } from './lists/llist.js';
import { Lzo } from './lzo/lzo.js';
import { IntegerMath } from './math/math.js';
import { DebugObjects } from './misc/debug-objects.js';
import { DynamicQueueLimits } from './misc/dynamic-queue-limits.js';
import { IoAccess } from './misc/io.js';
import { Lockref } from './misc/lockref.js';
import { DoOnce } from './misc/once.js';
import { Refcount } from './misc/refcount.js';
import { PercpuCounter } from './percpu/counter.js';
import { PercpuRef } from './percpu/ref.js';
import { RandomNumbers } from './random/random.js';
import { Uuid } from './random/uuid.js';
import { Rhashtable } from './rhashtable/rhashtable.js';
import { RhashtableWalk } from './rhashtable/walk.js';
import { Sbitmap } from './sbitmap/sbitmap.js';
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
import { ZlibDeflate } from './zlib/deflate.js';
import { ZlibInflate } from './zlib/inflate.js';
import { ZstdDecompress } from './zstd/zstd-decompress.js';
import { ZstdErrors } from './zstd/zstd-errors.js';
import { ZstdMemory } from './zstd/zstd-memory.js';

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
  DebugObjects,
  IoAccess,
  Rhashtable,
  RhashtableWalk,
  Xxhash,
  DynamicQueueLimits,
  TextSearch,
  ZlibInflate,
  ZstdErrors,
  ZstdDecompress,
  ZlibDeflate,
  Lzo,
  BucketLocks,
  Sbitmap,
  ChaCha,
  Blake2s,
  Sha,
];
