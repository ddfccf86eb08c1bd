import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import type { ListFault } from '../../abi/list.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** Where lib/list_debug.c makes its first check of each kind. */
const LINES = { add: 23, del: 53 } as const;

/**
 * Checks that inlined list_add() and list_del() make with CONFIG_DEBUG_LIST. A list that is corrupt stops the
 * task where CONFIG_BUG_ON_DATA_CORRUPTION says so, else is reported and left alone.
 */
export class ListDebug implements Subsystem {
  private readonly next: number;
  private readonly prev: number;
  private readonly poison: bigint;

  constructor(private readonly k: LinuxKernel) {
    const type = k.struct('list_head');
    this.next = type.offsetOf('next');
    this.prev = type.offsetOf('prev');
    this.poison = BigInt(k.target.config.get('CONFIG_ILLEGAL_POINTER_VALUE') ?? 0);
  }

  private readonly addValid = (entry: Ptr, prev: Ptr, next: Ptr): boolean => {
    const fault = this.addFault(entry, prev, next);
    return fault === undefined || this.corrupt('__list_add_valid', fault);
  };

  private readonly deleteValid = (entry: Ptr): boolean => {
    const fault = this.deleteFault(entry);
    return fault === undefined || this.corrupt('__list_del_entry_valid', fault);
  };

  readonly exports = {
    __list_add_valid: this.addValid,
    __list_del_entry_valid: this.deleteValid,
    // From 6.6 on.
    __list_add_valid_or_report: this.addValid,
    __list_del_entry_valid_or_report: this.deleteValid,
  };

  boot(): void {
    this.k.traps.explainList = (fault) => this.explain(fault);
  }

  /** What the kernel says of a list that a function of its own would have changed. */
  private explain({ entry, place }: ListFault): Fault {
    const fault = place ? this.addFault(entry, place.prev, place.next) : this.deleteFault(entry);
    return fault ?? { line: LINES.del, text: 'list corruption' };
  }

  private addFault(entry: Ptr, prev: Ptr, next: Ptr): Fault | undefined {
    const { space } = this.k;
    const at = (ptr: Ptr): string => this.hex(ptr);
    if (prev === 0) return { line: LINES.add, text: 'list_add corruption. prev is NULL.' };
    if (next === 0) return { line: LINES.add + 2, text: 'list_add corruption. next is NULL.' };
    const back = space.loadPtr(next + this.prev);
    if (back !== prev) {
      const text = `list_add corruption. next->prev should be prev (${at(prev)}), but was ${at(back)}. (next=${at(next)}).`;
      return { line: LINES.add + 4, text };
    }
    const forth = space.loadPtr(prev + this.next);
    if (forth !== next) {
      const text = `list_add corruption. prev->next should be next (${at(next)}), but was ${at(forth)}. (prev=${at(prev)}).`;
      return { line: LINES.add + 7, text };
    }
    if (entry !== prev && entry !== next) return undefined;
    const text = `list_add double add: new=${at(entry)}, prev=${at(prev)}, next=${at(next)}.`;
    return { line: LINES.add + 10, text };
  }

  private deleteFault(entry: Ptr): Fault | undefined {
    const { space } = this.k;
    const at = (ptr: Ptr): string => this.hex(ptr);
    const next = space.loadPtr(entry + this.next);
    const prev = space.loadPtr(entry + this.prev);
    if (prev !== 0 && next !== 0 && !this.isPoison(next, 0x100n) && !this.isPoison(prev, 0x122n)) {
      const forth = space.loadPtr(prev + this.next);
      if (forth !== entry) {
        const text = `list_del corruption. prev->next should be ${at(entry)}, but was ${at(forth)}. (prev=${at(prev)})`;
        return { line: LINES.del + 6, text };
      }
      const back = space.loadPtr(next + this.prev);
      if (back === entry) return undefined;
      const text = `list_del corruption. next->prev should be ${at(entry)}, but was ${at(back)}. (next=${at(next)})`;
      return { line: LINES.del + 9, text };
    }
    const start = `list_del corruption, ${at(entry)}`;
    if (next === 0) return { line: LINES.del - 4, text: `${start}->next is NULL` };
    if (prev === 0) return { line: LINES.del - 2, text: `${start}->prev is NULL` };
    if (this.isPoison(next, 0x100n))
      return { line: LINES.del, text: `${start}->next is LIST_POISON1 (${at(next)})` };
    return { line: LINES.del + 3, text: `${start}->prev is LIST_POISON2 (${at(prev)})` };
  }

  private isPoison(ptr: Ptr, low: bigint): boolean {
    return ptr >= 2 ** 32 ? this.k.space.toAddress(ptr) === this.poison + low : false;
  }

  private hex(ptr: Ptr): string {
    return this.k.space.toAddress(ptr).toString(16).padStart(16, '0');
  }

  private corrupt(name: string, { line, text }: Fault): boolean {
    const { k } = this;
    const place = `lib/list_debug.c:${line}`;
    if (!k.configured('CONFIG_BUG_ON_DATA_CORRUPTION')) {
      warn(k, text, place, name);
      return false;
    }
    k.log.line(text, LOGLEVEL_ERR);
    throw new Oops('list-corruption', `kernel BUG at ${place}!`, k.caller);
  }
}

interface Fault {
  readonly line: number;
  readonly text: string;
}
