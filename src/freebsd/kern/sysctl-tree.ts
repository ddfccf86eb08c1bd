import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';

/** The list that the top of the tree hangs on, in place of a parent's. */
export const ROOT = 'sysctl__children';

/**
 * The tree of sysctl nodes: struct sysctl_oid in guest memory, below the list of children of its parent, by number. What is below which
 * list is kept here: the kernel's own trees of them nobody else walks.
 */
export class SysctlTree {
  private readonly children = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('sysctl_oid');
  }

  get root(): Ptr {
    return this.k.variable(ROOT, 8);
  }

  /** The list of a node's children. */
  listOf(oid: Ptr): Ptr {
    return this.type.addr(oid, 'oid_children');
  }

  /** Children of a list, by number. */
  below(list: Ptr): readonly Ptr[] {
    return this.children.get(list) ?? [];
  }

  insert(oid: Ptr): void {
    const list = this.type.get(oid, 'oid_parent');
    const siblings = [...this.below(list), oid].sort((a, b) => this.number(a) - this.number(b));
    this.children.set(list, siblings);
    this.k.space.storePtr(list, siblings[0]);
  }

  remove(oid: Ptr): boolean {
    const list = this.type.get(oid, 'oid_parent');
    const siblings = this.below(list).filter((other) => other !== oid);
    if (siblings.length === this.below(list).length) return false;
    this.children.set(list, siblings);
    if (this.k.space.canRead(list, 8)) this.k.space.storePtr(list, siblings[0] ?? 0);
    return true;
  }

  contains(oid: Ptr): boolean {
    return this.below(this.type.get(oid, 'oid_parent')).includes(oid);
  }

  number(oid: Ptr): number {
    return this.type.get(oid, 'oid_number');
  }

  name(oid: Ptr): string {
    return this.type.string(oid, 'oid_name');
  }

  named(list: Ptr, name: string): Ptr | undefined {
    return this.below(list).find((oid) => this.name(oid) === name);
  }

  /** The node of a name with dots. */
  find(path: string): Ptr | undefined {
    let list = this.root;
    let found: Ptr | undefined;
    for (const part of path.split('.')) {
      found = this.named(list, part);
      if (found === undefined) return undefined;
      list = this.listOf(found);
    }
    return found;
  }

  /** The node of numbers from the root on. */
  at(numbers: readonly number[]): Ptr | undefined {
    let list = this.root;
    let found: Ptr | undefined;
    for (const number of numbers) {
      found = this.below(list).find((oid) => this.number(oid) === number);
      if (found === undefined) return undefined;
      list = this.listOf(found);
    }
    return found;
  }

  /** Every node, parents before their children, with its numbers and its name with dots. */
  *all(
    list: Ptr = this.root,
    numbers: readonly number[] = [],
    prefix = '',
  ): Generator<{ readonly oid: Ptr; readonly numbers: readonly number[]; readonly path: string }> {
    for (const oid of this.below(list)) {
      const own = [...numbers, this.number(oid)];
      const path = `${prefix}${this.name(oid)}`;
      yield { oid, numbers: own, path };
      yield* this.all(this.listOf(oid), own, `${path}.`);
    }
  }

  /** The name with dots that a node has, '' for one that hangs on nothing. */
  pathOf(oid: Ptr): string {
    for (const node of this.all()) if (node.oid === oid) return node.path;
    return '';
  }
}
