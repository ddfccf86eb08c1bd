import type { Ptr } from '../../cpu/layout.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { type TaintName, taintAt } from '../kallsyms/taint.js';
import type { LinuxKernel } from '../kernel.js';

/** An entry of `__bug_table`: a WARN or BUG site. */
interface BugEntry {
  /** `FILE:LINE`, where the kernel was built with CONFIG_DEBUG_BUGVERBOSE. */
  readonly place: string | undefined;
  readonly warning: boolean;
  readonly once: boolean;
  /** The message was printed before the trap (WARN with a format). */
  readonly noCutHere: boolean;
  /** What the warning taints the kernel with. */
  readonly taint: TaintName;
  readonly flagsAt: Ptr;
}

/** struct bug_entry flags (include/asm-generic/bug.h). */
const BUGFLAG_WARNING = 1;
const BUGFLAG_ONCE = 2;
const BUGFLAG_DONE = 4;
const BUGFLAG_NO_CUT_HERE = 8;
/** BUG_GET_TAINT(): the bit that is set is above the flags. */
const BUG_TAINT_SHIFT = 8;

/** Finds the WARN or BUG site at an instruction; for WARN_ONCE, undefined-like `done` sites are skipped. */
export function findBug(
  k: LinuxKernel,
  module: Pick<LoadedModule, 'section'>,
  rip: Ptr,
): (BugEntry & { done: boolean }) | undefined {
  const table = module.section('__bug_table');
  if (!table) return undefined;
  const entry = k.struct('bug_entry');
  const relative = (at: Ptr): Ptr => at + k.space.loadInt32(at);
  for (let at = table.address; at + entry.size <= table.address + table.size; at += entry.size) {
    if (relative(entry.addr(at, 'bug_addr_disp')) !== rip) continue;
    const flags = entry.get(at, 'flags');
    return {
      place: entry.has('file_disp')
        ? `${k.space.cstring(relative(entry.addr(at, 'file_disp')))}:${entry.get(at, 'line')}`
        : undefined,
      warning: (flags & BUGFLAG_WARNING) !== 0,
      once: (flags & BUGFLAG_ONCE) !== 0,
      noCutHere: (flags & BUGFLAG_NO_CUT_HERE) !== 0,
      taint: taintAt(flags >> BUG_TAINT_SHIFT)?.name ?? 'WARN',
      flagsAt: entry.addr(at, 'flags'),
      done: (flags & BUGFLAG_ONCE) !== 0 && (flags & BUGFLAG_DONE) !== 0,
    };
  }
  return undefined;
}

/** Marks a WARN_ONCE site as reported. */
export function markDone(k: LinuxKernel, bug: BugEntry): void {
  k.space.store16(bug.flagsAt, k.space.load16(bug.flagsAt) | BUGFLAG_DONE);
}

/** A fixup of `__ex_table`: where to go on, and how. */
export interface Fixup {
  readonly to: Ptr;
  /** EX_TYPE_* (arch/x86/include/asm/extable_fixup_types.h). */
  readonly type: number;
  /** Register number and immediate of the types that have them. */
  readonly register: number;
  readonly immediate: number;
}

const EX_DATA_REG_SHIFT = 8;
const EX_DATA_IMM_SHIFT = 16;

/** The exception table entry for an instruction, if the module has one. Entries are sorted by instruction. */
export function findFixup(
  k: LinuxKernel,
  module: Pick<LoadedModule, 'section'>,
  rip: Ptr,
): Fixup | undefined {
  const table = module.section('__ex_table');
  if (!table) return undefined;
  const entry = k.struct('exception_table_entry');
  for (let at = table.address; at + entry.size <= table.address + table.size; at += entry.size) {
    const insn = entry.addr(at, 'insn');
    if (insn + k.space.loadInt32(insn) !== rip) continue;
    const fixup = entry.addr(at, 'fixup');
    const data = entry.get(at, 'data');
    return {
      to: fixup + k.space.loadInt32(fixup),
      type: data & 0xff,
      register: (data >> EX_DATA_REG_SHIFT) & 0xf,
      immediate: data >> EX_DATA_IMM_SHIFT,
    };
  }
  return undefined;
}
