import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Families that there may be (MAX_FAMILIES of sys/netlink/netlink_generic_kpi.c), and groups. */
const FAMILIES = 20;
const GROUPS = 64;
/** The number of the first group: those before are of other protocols of netlink. */
const FIRST_GENERIC_GROUP = 48;

/** Families of generic netlink (sys/netlink/netlink_generic_kpi.c): tables in memory, which netlink.ko reads. Numbers from 16. */
export class GenericNetlink implements Subsystem {
  private families: Ptr = 0;
  private groups: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    genl_register_family: (name: Ptr, headerBytes: number, version: number, attributes: number) =>
      this.register(name, headerBytes, version, attributes),
    genl_unregister_family: (name: Ptr) => this.unregister(this.k.space.cstring(name)),
    genl_register_cmds: (name: Ptr, commands: Ptr, count: number) => this.addCommands(name, commands, count),
    genl_register_group: (family: Ptr, group: Ptr) => this.addGroup(this.k.space.cstring(family), group),
    genl_get_family: (id: number) => this.familyAt(id - this.firstId),
    genl_get_group: (id: number) => this.groupAt(id - FIRST_GENERIC_GROUP),
  };

  boot(): void {
    this.families = this.k.permanent(FAMILIES * this.type.size);
    this.groups = this.k.permanent(GROUPS * this.k.struct('genl_group').size);
  }

  private get type() {
    return this.k.struct('genl_family');
  }

  private get firstId(): number {
    return this.k.macro('GENL_MIN_ID');
  }

  private *all(): Generator<Ptr> {
    for (let i = 0; i < FAMILIES; i++) {
      const at = this.families + i * this.type.size;
      if (this.type.get(at, 'family_name') !== 0) yield at;
    }
  }

  private named(name: string): Ptr | undefined {
    for (const at of this.all()) if (this.type.string(at, 'family_name') === name) return at;
    return undefined;
  }

  private familyAt(index: number): Ptr {
    if (index < 0 || index >= FAMILIES) return 0;
    const at = this.families + index * this.type.size;
    return this.type.get(at, 'family_name') === 0 ? 0 : at;
  }

  private groupAt(index: number): Ptr {
    if (index < 0 || index >= GROUPS) return 0;
    const type = this.k.struct('genl_group');
    const at = this.groups + index * type.size;
    return type.get(at, 'group_family') === 0 ? 0 : at;
  }

  /** Its number, 0 where the name is there or no room is left. */
  private register(name: Ptr, headerBytes: number, version: number, attributes: number): number {
    const { type } = this;
    if (this.named(this.k.space.cstring(name)) !== undefined) return 0;
    for (let i = 0; i < FAMILIES; i++) {
      const at = this.families + i * type.size;
      if (type.get(at, 'family_name') !== 0) continue;
      this.k.space.writable(at, type.size).fill(0);
      type.set(at, 'family_name', name);
      type.set(at, 'family_hdrsize', headerBytes);
      type.set(at, 'family_id', this.firstId + i);
      type.set(at, 'family_version', version);
      type.set(at, 'family_attr_max', attributes);
      this.k.origins.note(at);
      return this.firstId + i;
    }
    return 0;
  }

  private unregister(name: string): boolean {
    const { k, type } = this;
    const at = this.named(name);
    if (at === undefined) return false;
    const group = k.struct('genl_group');
    for (let i = 0; i < GROUPS; i++) {
      const one = this.groups + i * group.size;
      if (group.get(one, 'group_family') === at) k.space.writable(one, group.size).fill(0);
    }
    const commands = type.get(at, 'family_cmds');
    if (commands !== 0) k.slab.free(commands);
    k.space.writable(at, type.size).fill(0);
    k.origins.forget(at);
    return true;
  }

  /** Commands stand in a table by their numbers. */
  private addCommands(name: Ptr, commands: Ptr, count: number): boolean {
    const { k, type } = this;
    const at = this.named(k.space.cstring(name));
    if (at === undefined) return false;
    const command = k.struct('genl_cmd');
    const given = Array.from({ length: count }, (_, i) => commands + i * command.size);
    const old = type.get(at, 'family_cmd_size');
    const size = Math.max(old, ...given.map((one) => command.get(one, 'cmd_num') + 1));
    const table = k.slab.allocateBytes(size * command.size, true);
    const before = type.get(at, 'family_cmds');
    if (before !== 0) {
      k.space.writable(table, old * command.size).set(k.space.readable(before, old * command.size));
      k.slab.free(before);
    }
    for (const one of given) {
      const to = table + command.get(one, 'cmd_num') * command.size;
      k.space.writable(to, command.size).set(k.space.readable(one, command.size));
    }
    type.set(at, 'family_cmds', table);
    type.set(at, 'family_cmd_size', size);
    return true;
  }

  /** Its number; the same for a name that is there. */
  private addGroup(family: string, name: Ptr): number {
    const { k, type } = this;
    const at = this.named(family);
    if (at === undefined) return 0;
    const group = k.struct('genl_group');
    const wanted = k.space.cstring(name);
    for (let i = 0; i < GROUPS; i++) {
      const one = this.groups + i * group.size;
      const owner = group.get(one, 'group_family');
      if (owner === at && group.string(one, 'group_name') === wanted) return FIRST_GENERIC_GROUP + i;
      if (owner !== 0) continue;
      group.set(one, 'group_family', at);
      group.set(one, 'group_name', name);
      type.set(at, 'family_num_groups', type.get(at, 'family_num_groups') + 1);
      return FIRST_GENERIC_GROUP + i;
    }
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const at of this.all()) {
      const uses = [this.type.get(at, 'family_name')];
      yield {
        kind: 'generic netlink family',
        at,
        uses,
        by: this.k.origins.of(at),
        name: () => this.type.string(at, 'family_name'),
      };
    }
  }
}
