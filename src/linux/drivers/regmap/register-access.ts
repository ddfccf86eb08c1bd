import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';

type Kind = 'readable' | 'writeable' | 'volatile' | 'precious' | 'readable_noinc' | 'writeable_noinc';

/** Members of struct regmap_config that say of a register what it is: a table, and a function that goes before it. */
const MEMBERS: Readonly<Record<Kind, readonly [fn: string, table: string]>> = {
  readable: ['readable_reg', 'rd_table'],
  writeable: ['writeable_reg', 'wr_table'],
  volatile: ['volatile_reg', 'volatile_table'],
  precious: ['precious_reg', 'precious_table'],
  readable_noinc: ['readable_noinc_reg', 'rd_noinc_table'],
  writeable_noinc: ['writeable_noinc_reg', 'wr_noinc_table'],
};

/** Whether a register is in one of `count` ranges at an address. */
export function inRanges(k: LinuxKernel, register: number, ranges: Ptr, count: number): boolean {
  const type = k.struct('regmap_range');
  for (let i = 0; i < count; i++) {
    const at = ranges + i * type.size;
    if (register >= type.get(at, 'range_min') && register <= type.get(at, 'range_max')) return true;
  }
  return false;
}

/** regmap_check_range_table() */
export function inTable(k: LinuxKernel, register: number, table: Ptr): boolean {
  const type = k.struct('regmap_access_table');
  if (inRanges(k, register, type.get(table, 'no_ranges'), type.get(table, 'n_no_ranges'))) return false;
  const count = type.get(table, 'n_yes_ranges');
  return count === 0 || inRanges(k, register, type.get(table, 'yes_ranges'), count);
}

/** What a map's configuration says of each register: whether it may be read, written, kept. */
export class RegisterAccess {
  private readonly functions: Record<Kind, Ptr>;
  private readonly tables: Record<Kind, Ptr>;

  /** `config` may go once the map is made: what it says is kept. */
  constructor(
    private readonly k: LinuxKernel,
    private readonly device: Ptr,
    config: Ptr,
  ) {
    const type = k.struct('regmap_config');
    const read = (which: 0 | 1): Record<Kind, Ptr> =>
      Object.fromEntries(
        Object.entries(MEMBERS).map(([kind, members]) => [kind, type.get(config, members[which])]),
        // Each kind has both members.
      ) as Record<Kind, Ptr>;
    this.functions = read(0);
    this.tables = read(1);
  }

  /** What is said of a register; `otherwise` where nothing is. */
  *is(kind: Kind, register: number, otherwise: boolean): Sleepable<boolean> {
    const { k } = this;
    const fn = this.functions[kind];
    if (fn !== 0) return (yield* k.callAs('b:pu', fn, this.device, register)) !== 0;
    const table = this.tables[kind];
    return table === 0 ? otherwise : inTable(k, register, table);
  }
}
