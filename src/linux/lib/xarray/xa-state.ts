import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { errorEntry, isInternal, MAX_INDEX, PRESENT } from './entry.js';
import type { XArray } from './x-array.js';
import { XArrays } from './xarray.js';

/** Values of xas->xa_node that are no nodes (include/linux/xarray.h). */
const BOUNDS = 1n;
const RESTART = 3n;

/** The advanced interface: an xa_state remembers where in the array it is. */
export class XaState implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('xa_state');
  }

  readonly exports = {
    xas_load: (xas: Ptr) => {
      if (this.failed(xas)) return 0n;
      return this.walk(xas);
    },
    xas_store: (xas: Ptr, entry: bigint) => {
      if (this.failed(xas)) return 0n;
      const old = this.arrays.put(this.array(xas), this.index(xas), entry);
      if (old === errorEntry(ENOMEM)) {
        this.setNode(xas, old);
        return 0n;
      }
      this.walk(xas);
      return old;
    },
    xas_nomem: (xas: Ptr) => {
      if (this.node(xas) !== errorEntry(ENOMEM)) return false;
      this.setNode(xas, RESTART);
      return true;
    },
    xas_find: (xas: Ptr, max: bigint) => this.find(xas, max, PRESENT),
    xas_find_marked: (xas: Ptr, max: bigint, mark: number) => this.find(xas, max, mark),
    xas_pause: (xas: Ptr) => {
      if (this.node(xas) !== RESTART && !this.failed(xas)) this.setIndex(xas, this.index(xas) + 1n);
      this.setNode(xas, this.index(xas) === 0n ? BOUNDS : RESTART);
    },
    xas_get_mark: (xas: Ptr, mark: number) => this.arrays.getMark(this.array(xas), this.index(xas), mark),
    xas_set_mark: (xas: Ptr, mark: number) =>
      this.arrays.setMark(this.array(xas), this.index(xas), mark, true),
    xas_clear_mark: (xas: Ptr, mark: number) =>
      this.arrays.setMark(this.array(xas), this.index(xas), mark, false),
    __xas_next: (xas: Ptr) => this.move(xas, 1n),
    __xas_prev: (xas: Ptr) => this.move(xas, -1n),
  };

  readonly signatures = {
    xas_load: 'Q:p',
    xas_store: 'Q:pQ',
    xas_find: 'Q:pQ',
    xas_find_marked: 'Q:pQu',
    __xas_next: 'Q:p',
    __xas_prev: 'Q:p',
  };

  private get arrays(): XArray {
    return this.k.get(XArrays).arrays;
  }

  private array(xas: Ptr): Ptr {
    return this.type.get(xas, 'xa');
  }

  private index(xas: Ptr): bigint {
    return this.type.getBig(xas, 'xa_index');
  }

  private setIndex(xas: Ptr, index: bigint): void {
    this.type.setBig(xas, 'xa_index', index);
  }

  private node(xas: Ptr): bigint {
    return this.type.getBig(xas, 'xa_node');
  }

  private setNode(xas: Ptr, node: bigint): void {
    this.type.setBig(xas, 'xa_node', node);
  }

  private failed(xas: Ptr): boolean {
    return isInternal(this.node(xas));
  }

  /** Goes to the index; the entry there. */
  private walk(xas: Ptr): bigint {
    const place = this.arrays.place(this.array(xas), this.index(xas));
    if (!place) {
      this.setNode(xas, BOUNDS);
      return 0n;
    }
    this.setNode(xas, place.node === 0 ? 0n : this.k.space.toAddress(place.node));
    this.type.set(xas, 'xa_offset', place.offset);
    return this.arrays.tree.read(place);
  }

  private find(xas: Ptr, max: bigint, filter: number): bigint {
    const node = this.node(xas);
    if (this.failed(xas) || node === BOUNDS) return 0n;
    const from = node === RESTART ? this.index(xas) : this.index(xas) + 1n;
    const mark = filter < PRESENT ? filter : undefined;
    const found = this.arrays.tree.next(this.array(xas), from, max, mark);
    if (!found) {
      this.setIndex(xas, max === MAX_INDEX ? 0n : max + 1n);
      this.setNode(xas, BOUNDS);
      return 0n;
    }
    this.setIndex(xas, found.index);
    return this.walk(xas);
  }

  private move(xas: Ptr, by: bigint): bigint {
    if (this.failed(xas)) return 0n;
    if (this.node(xas) !== RESTART) this.setIndex(xas, this.index(xas) + by);
    return this.walk(xas);
  }
}
