import type { Ptr } from '../../../cpu/layout.js';
import type { FormatContext } from './context.js';
import { formatNumber } from './number.js';
import { HEX_FLAGS, type Spec } from './spec.js';
import { formatError } from './text.js';

type FlagNames = readonly (readonly [mask: bigint, name: string])[];

/** Bits of vm_flags from bit 0, as include/linux/mm.h numbers them; '' for bits without a name. */
const VM_BITS = [
  'read write exec shared mayread maywrite mayexec mayshare growsdown uffd_missing pfnmap uffd_minor uffd_wp',
  'locked io seqread randread dontcopy dontexpand lockonfault account noreserve hugetlb sync pat wipeonfork',
  'dontdump softdirty mixedmap hugepage nohugepage mergeable',
]
  .join(' ')
  .split(' ');
const VM_UFFD_MINOR: readonly [bigint, string] = [1n << 37n, 'uffd_minor'];

/** Bits of gfp_t from bit 0, where the target has no enumeration of them (before 6.9). */
const GFP_BITS = [
  'DMA HIGHMEM DMA32 MOVABLE RECLAIMABLE HIGH IO FS ZERO ATOMIC DIRECT_RECLAIM KSWAPD_RECLAIM WRITE NOWARN',
  'RETRY_MAYFAIL NOFAIL NORETRY MEMALLOC COMP NOMEMALLOC HARDWALL THISNODE ACCOUNT ZEROTAGS',
]
  .join(' ')
  .split(' ');

/** Named combinations, most bits first, and the order single bits are printed in. */
const GFP_COMBINATIONS: readonly (readonly [name: string, bits: string])[] = [
  ['GFP_TRANSHUGE', 'DIRECT_RECLAIM IO FS HARDWALL HIGHMEM MOVABLE COMP NOMEMALLOC NOWARN'],
  ['GFP_TRANSHUGE_LIGHT', 'IO FS HARDWALL HIGHMEM MOVABLE COMP NOMEMALLOC NOWARN'],
  ['GFP_HIGHUSER_MOVABLE', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL HIGHMEM MOVABLE'],
  ['GFP_HIGHUSER', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL HIGHMEM'],
  ['GFP_USER', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL'],
  ['GFP_KERNEL_ACCOUNT', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO FS ACCOUNT'],
  ['GFP_KERNEL', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO FS'],
  ['GFP_NOFS', 'DIRECT_RECLAIM KSWAPD_RECLAIM IO'],
  ['GFP_ATOMIC', 'HIGH ATOMIC KSWAPD_RECLAIM'],
  ['GFP_NOIO', 'DIRECT_RECLAIM KSWAPD_RECLAIM'],
  ['GFP_NOWAIT', 'KSWAPD_RECLAIM'],
  ['GFP_DMA', 'DMA'],
];
const GFP_SINGLE = [
  'HIGHMEM DMA32 HIGH ATOMIC IO FS NOWARN RETRY_MAYFAIL NOFAIL NORETRY COMP ZERO NOMEMALLOC MEMALLOC HARDWALL',
  'THISNODE RECLAIMABLE MOVABLE ACCOUNT WRITE RECLAIM DIRECT_RECLAIM KSWAPD_RECLAIM ZEROTAGS',
]
  .join(' ')
  .split(' ');

/** %pGg (gfp_t), %pGv (vm_flags), %pGp (page flags): the names of bits. */
export function formatFlags(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  const { space } = context;
  switch (letters[1]) {
    case 'v': {
      const names: FlagNames = [...VM_BITS.map((name, bit) => [1n << BigInt(bit), name] as const)].filter(
        ([, name]) => name !== 'uffd_minor',
      );
      return flagText(space.load64(ptr), [...names.slice(0, 10), VM_UFFD_MINOR, ...names.slice(10)]);
    }
    case 'g':
      return flagText(BigInt(space.load32(ptr)), gfpNames(context));
    case 'p':
      return pageFlags(context, space.load64(ptr));
    default:
      return formatError('(%pG?)', spec);
  }
}

function flagText(flags: bigint, names: FlagNames): string {
  const parts: string[] = [];
  let left = flags;
  for (const [mask, name] of names) {
    if (left === 0n) break;
    if ((left & mask) !== mask) continue;
    parts.push(name);
    left &= ~mask;
  }
  if (left !== 0n) parts.push(formatNumber(left, HEX_FLAGS));
  return parts.join('|');
}

function gfpNames(context: FormatContext): FlagNames {
  const mask = (names: string): bigint =>
    names.split(' ').reduce((bits, name) => bits | gfpBit(context, name), 0n);
  const names: (readonly [bigint, string])[] = GFP_COMBINATIONS.map(([name, bits]) => [mask(bits), name]);
  for (const name of GFP_SINGLE) {
    const bits = name === 'RECLAIM' ? mask('DIRECT_RECLAIM KSWAPD_RECLAIM') : gfpBit(context, name);
    names.push([bits, name === 'DMA32' ? 'GFP_DMA32' : `__GFP_${name}`]);
  }
  return names.filter(([bits]) => bits !== 0n);
}

function gfpBit(context: FormatContext, name: string): bigint {
  const bit = context.enumerator(`___GFP_${name}_BIT`);
  if (bit !== undefined) return 1n << BigInt(bit);
  if (context.enumerator('___GFP_DMA_BIT') !== undefined) return 0n;
  const index = GFP_BITS.indexOf(name);
  return index < 0 ? 0n : 1n << BigInt(index);
}

const PAGE_FLAG_NAMES = [
  'locked waiters error referenced uptodate dirty lru active workingset slab owner_priv_1 arch_1 reserved',
  'private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison young',
  'idle arch_2',
]
  .join(' ')
  .split(' ');

/** Width of the zone field: ZONES_WIDTH (include/linux/page-flags-layout.h) of x86-64. */
const ZONE_BITS = 3n;

/** Page flags, with the node and zone fields at the top of the word. */
function pageFlags(context: FormatContext, flags: bigint): string {
  const count = BigInt(context.enumerator('__NR_PAGEFLAGS') ?? 0);
  const names: FlagNames = PAGE_FLAG_NAMES.flatMap((name) => {
    const bit = context.enumerator(`PG_${name}`);
    return bit === undefined ? [] : [[1n << BigInt(bit), name] as const];
  });
  const parts: string[] = [];
  const low = flagText(flags & ((1n << count) - 1n), names);
  if (low !== '') parts.push(low);
  const nodeBits = BigInt(context.option('CONFIG_NODES_SHIFT') ?? 0);
  const node = (flags >> (64n - nodeBits)) & ((1n << nodeBits) - 1n);
  const zone = (flags >> (64n - nodeBits - ZONE_BITS)) & ((1n << ZONE_BITS) - 1n);
  if (nodeBits > 0n) parts.push(`node=${node}`);
  parts.push(`zone=${zone}`);
  return `0x${flags.toString(16)}(${parts.join('|')})`;
}
