import type { Ptr } from '../../../cpu/layout.js';
import { EEXIST, EINVAL, ENOENT, ENOSPC } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';

/** Ids of families (include/uapi/linux/genetlink.h): fixed ones, then those that are handed out. */
const FIXED_IDS: Readonly<Record<string, number>> = { nlctrl: 16, VFS_DQUOT: 17, pmcraid: 18 };
const FIRST_ID = 19;
const LAST_ID = 1023;
const GENL_NAMSIZ = 16;
/** Multicast groups below these are taken by families whose single group has a fixed number. */
const FIXED_GROUPS: Readonly<Record<string, number>> = { NET_DM: 1, nlctrl: 16, VFS_DQUOT: 17, pmcraid: 18 };
const FIRST_GROUP = 19;

interface Family {
  readonly ptr: Ptr;
  readonly name: string;
  readonly id: number;
  readonly groups: readonly number[];
}

/** Families of generic netlink (net/netlink/genetlink.c). */
export class GenericNetlink implements Subsystem {
  private readonly families = new Map<number, Family>();
  private nextId = FIRST_ID;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    genl_register_family: (family: Ptr) => this.register(family),
    genl_lock: () => this.k.get(Mutexes).lock(this.mutex),
    genl_unlock: () => this.k.get(Mutexes).unlock(this.mutex),
    genl_unregister_family: (family: Ptr) => this.unregister(family),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'generic netlink family', struct: 'genl_family', name: 'name' },
      [...this.families.values()].map(({ ptr }) => ptr),
    );
  }

  boot(): void {
    this.k.get(Mutexes).init(this.mutex);
  }

  private get mutex(): Ptr {
    return this.k.symbol('genl_mutex');
  }

  find(name: string): Family | undefined {
    for (const family of this.families.values()) if (family.name === name) return family;
    return undefined;
  }

  private register(ptr: Ptr): number {
    const type = this.k.struct('genl_family');
    const name = type.text(ptr, 'name');
    if (!this.isValid(ptr)) return -EINVAL;
    if (this.find(name)) return -EEXIST;
    const id = FIXED_IDS[name] ?? this.freeId();
    if (id === undefined) return -ENOSPC;
    const count = type.get(ptr, 'n_mcgrps');
    const groups = this.freeGroups(name, count);
    type.set(ptr, 'id', id);
    type.set(ptr, 'mcgrp_offset', groups[0] ?? 0);
    this.k.origins.note(ptr);
    this.families.set(id, { ptr, name, id, groups });
    return 0;
  }

  private unregister(ptr: Ptr): number {
    const id = this.k.struct('genl_family').get(ptr, 'id');
    return this.families.delete(id) ? 0 : -ENOENT;
  }

  /** Operations need something to do, and none may be there twice (genl_validate_ops). */
  private isValid(ptr: Ptr): boolean {
    const type = this.k.struct('genl_family');
    const lists = [
      ['n_ops', 'ops', 'genl_ops'],
      ['n_small_ops', 'small_ops', 'genl_small_ops'],
    ] as const;
    if (lists.some(([count, table]) => type.get(ptr, count) > 0 && type.get(ptr, table) === 0)) return false;
    const seen = new Set<number>();
    for (const [count, table, struct] of lists) {
      const op = this.k.struct(struct);
      for (let i = 0; i < type.get(ptr, count); i++) {
        const at = type.get(ptr, table) + i * op.size;
        const command = op.get(at, 'cmd');
        if (seen.has(command) || (op.get(at, 'doit') === 0 && op.get(at, 'dumpit') === 0)) return false;
        seen.add(command);
      }
    }
    return type.text(ptr, 'name').length < GENL_NAMSIZ;
  }

  /** Ids are handed out in a circle (idr_alloc_cyclic). */
  private freeId(): number | undefined {
    for (let tried = 0; tried <= LAST_ID - FIRST_ID; tried++) {
      const id = this.nextId;
      this.nextId = id >= LAST_ID ? FIRST_ID : id + 1;
      if (!this.families.has(id)) return id;
    }
    return undefined;
  }

  private freeGroups(name: string, count: number): number[] {
    if (count === 0) return [];
    const fixed = FIXED_GROUPS[name];
    if (fixed !== undefined) return [fixed];
    const taken = new Set([...this.families.values()].flatMap((family) => family.groups));
    let first = FIRST_GROUP;
    const isFree = (at: number): boolean =>
      Array.from({ length: count }, (_, i) => !taken.has(at + i)).every(Boolean);
    while (!isFree(first)) first++;
    return Array.from({ length: count }, (_, i) => first + i);
  }
}
