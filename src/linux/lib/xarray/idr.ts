import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOENT, ENOMEM, ENOSPC } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { isNode } from './entry.js';
import { FREE_MARK, type NodeTree } from './node-tree.js';
import { IDR, RadixTree, ROOT_IS_IDR } from './radix-tree.js';

const LARGEST_ID = 0x7fff_ffffn;
const ERROR_NOENT = BigInt.asUintN(64, BigInt(-ENOENT));

/** Integer IDs for pointers (Documentation/core-api/idr.rst): a radix tree that knows its free indices. */
export class Idr implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('idr');
  }

  readonly exports = {
    idr_alloc: (idr: Ptr, item: bigint, start: number, end: number) =>
      start < 0 ? this.negative() : Number(this.allocate(idr, item, BigInt(start), lastOf(end))),
    idr_alloc_u32: (idr: Ptr, item: bigint, next: Ptr, max: bigint) => {
      const id = this.allocate(idr, item, BigInt(this.k.space.load32(next)), max);
      if (id < 0n) return Number(id);
      this.k.space.store32(next, Number(id));
      return 0;
    },
    idr_alloc_cyclic: (idr: Ptr, item: bigint, start: number, end: number) =>
      this.allocateCyclic(idr, item, BigInt(start), lastOf(end)),
    idr_find: (idr: Ptr, id: bigint) => this.tree.load(this.root(idr), this.index(idr, id)),
    idr_remove: (idr: Ptr, id: bigint) =>
      this.k.get(RadixTree).deleteItem(this.root(idr), this.index(idr, id), 0n),
    idr_replace: (idr: Ptr, item: bigint, id: bigint) => {
      const root = this.root(idr);
      const place = this.tree.find(root, this.index(idr, id));
      if (!place || this.tree.marked(root, place, FREE_MARK)) return ERROR_NOENT;
      const old = this.tree.read(place);
      this.k.get(RadixTree).replace(root, place, item);
      return old;
    },
    idr_for_each: (idr: Ptr, fn: Ptr, data: bigint) => this.forEach(idr, fn, data),
    idr_get_next: (idr: Ptr, next: Ptr) => {
      const found = this.next(idr, BigInt(this.k.space.loadInt32(next)));
      if (!found || found.id > LARGEST_ID) return 0n;
      this.k.space.store32(next, Number(found.id));
      return found.entry;
    },
    idr_get_next_ul: (idr: Ptr, next: Ptr) => {
      const found = this.next(idr, this.k.space.load64(next));
      if (!found) return 0n;
      this.k.space.store64(next, found.id);
      return found.entry;
    },
    idr_destroy: (idr: Ptr) => {
      const root = this.root(idr);
      this.tree.destroy(root);
      if (this.tree.flags(root) & ROOT_IS_IDR) this.tree.setHeadMark(root, FREE_MARK, true);
    },
  };

  /** A start that is no ID. */
  private negative(): number {
    warn(this.k, '', 'lib/idr.c:86', 'idr_alloc');
    return -EINVAL;
  }

  readonly signatures = {
    idr_alloc: 'i:pQiiu',
    idr_alloc_u32: 'i:pQpQu',
    idr_alloc_cyclic: 'i:pQiiu',
    idr_find: 'Q:pQ',
    idr_remove: 'Q:pQ',
    idr_replace: 'Q:pQQ',
    idr_for_each: 'i:ppQ',
    idr_get_next: 'Q:pp',
    idr_get_next_ul: 'Q:pp',
  };

  /** idr_init(), of memory that is zero. */
  init(idr: Ptr): void {
    this.becomeIdr(this.root(idr));
  }

  /** idr_alloc() of the lowest free ID, or a negative error number. */
  add(idr: Ptr, pointer: Ptr): number {
    return Number(this.allocate(idr, this.k.space.toAddress(pointer), 0n, LARGEST_ID));
  }

  /** idr_find() */
  find(idr: Ptr, id: number): Ptr {
    return this.k.space.fromAddress(this.tree.load(this.root(idr), this.index(idr, BigInt(id))));
  }

  /** The lowest ID that a pointer has. */
  idOf(idr: Ptr, pointer: Ptr): number | undefined {
    const wanted = this.k.space.toAddress(pointer);
    for (let at = this.next(idr, 0n); at && at.id <= LARGEST_ID; at = this.next(idr, at.id + 1n))
      if (at.entry === wanted) return Number(at.id);
    return undefined;
  }

  private becomeIdr(root: Ptr): void {
    this.tree.setFlags(root, this.tree.flags(root) | ROOT_IS_IDR);
    this.tree.setHeadMark(root, FREE_MARK, true);
  }

  private get tree(): NodeTree {
    return this.k.get(RadixTree).tree;
  }

  private root(idr: Ptr): Ptr {
    return this.type.addr(idr, 'idr_rt');
  }

  private base(idr: Ptr): bigint {
    return BigInt(this.type.get(idr, 'idr_base'));
  }

  private index(idr: Ptr, id: bigint): bigint {
    return BigInt.asUintN(64, id - this.base(idr));
  }

  /** The lowest free ID from `start` to `max`, or a negative error number. */
  private allocate(idr: Ptr, item: bigint, start: bigint, max: bigint): bigint {
    const { tree } = this;
    const root = this.root(idr);
    const base = this.base(idr);
    if (!(tree.flags(root) & ROOT_IS_IDR)) this.becomeIdr(root);
    const from = start < base ? 0n : start - base;
    const index = this.firstFree(root, from);
    if (index > max - base) return BigInt(-ENOSPC);
    const place = tree.create(root, index, IDR, false);
    if (!place) return BigInt(-ENOMEM);
    tree.write(place, item, 1);
    tree.unmark(root, place, FREE_MARK);
    return index + base;
  }

  private firstFree(root: Ptr, from: bigint): bigint {
    const { tree } = this;
    if (!isNode(tree.head(root))) return from;
    const covered = tree.maxIndex(root);
    if (from > covered) return from;
    return tree.next(root, from, covered, FREE_MARK)?.index ?? covered + 1n;
  }

  private allocateCyclic(idr: Ptr, item: bigint, start: bigint, max: bigint): number {
    const next = BigInt(this.type.get(idr, 'idr_next'));
    const from = BigInt.asIntN(32, next) < start ? start : next;
    let id = this.allocate(idr, item, from, max);
    if (id === BigInt(-ENOSPC) && from > start) id = this.allocate(idr, item, start, max);
    if (id >= 0n) this.type.set(idr, 'idr_next', Number(BigInt.asUintN(32, id + 1n)));
    return Number(id);
  }

  private next(idr: Ptr, id: bigint): { readonly id: bigint; readonly entry: bigint } | undefined {
    const base = this.base(idr);
    const from = id < base ? 0n : id - base;
    const found = this.tree.next(this.root(idr), from, (1n << 64n) - 1n);
    return found && { id: found.index + base, entry: found.entry };
  }

  private *forEach(idr: Ptr, fn: Ptr, data: bigint): Sleepable<number> {
    for (
      let found = this.next(idr, 0n);
      found && found.id <= LARGEST_ID;
      found = this.next(idr, found.id + 1n)
    ) {
      const result = yield* this.k.callAs('i:ipp', fn, found.id, found.entry, data);
      if (result !== 0) return result;
    }
    return 0;
  }
}

/** The last ID below `end`, or the last there is. */
function lastOf(end: number): bigint {
  return end > 0 ? BigInt(end) - 1n : LARGEST_ID;
}
