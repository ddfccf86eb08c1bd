import { EINVAL } from '../../errno.js';
import { Modules } from '../../kallsyms/modules.js';
import { taintAt } from '../../kallsyms/taint.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { TextServer } from '../text-server.js';
import { ProcFile } from './node.js';
import { ProcFs } from './procfs.js';
import { Sysctl } from './sysctl.js';

/** A number as the kernel's strtoul() of sysctls takes it, at the beginning of what was written (proc_get_long()). */
const NUMBER = /^\s*(0x[0-9a-f]+|\d+)(?:[\s\0]|$)/i;
const ULONG_BITS = 64;

/** /proc/sys/kernel/tainted, and the functions by which modules taint. */
export class TaintFile implements Subsystem {
  readonly exports = {
    add_taint: (bit: number, lockdep: number) => this.add(bit, lockdep),
    test_taint: (bit: number) => Number((this.k.traps.taint.mask & (1 << bit)) !== 0),
  };

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const open = () =>
      new TextServer(k, {
        text: () => `${k.traps.taint.mask}\n`,
        write: (text, bytes) => this.write(text) ?? bytes.length,
      });
    const node = new ProcFile('tainted', 0o644, k.get(ProcFs).root, 0, open);
    k.get(Sysctl).directory(['kernel']).attach('tainted', node);
  }

  /** proc_taint(): flags are added and never taken away; what the kernel has no flag for is ignored. */
  private write(text: string): number | undefined {
    const digits = NUMBER.exec(text)?.[1];
    const wanted = digits === undefined ? undefined : parseUnsigned(digits);
    if (wanted === undefined || wanted >= 1n << BigInt(ULONG_BITS)) return -EINVAL;
    const { taint } = this.k.traps;
    for (const { bit, name } of taint.flags)
      if (wanted & (1n << BigInt(bit))) taint.add(name, 'written to /proc/sys/kernel/tainted');
    return undefined;
  }

  private add(bit: number, lockdep: number): void {
    const { k } = this;
    const name = taintAt(bit)?.name;
    if (name === undefined) return;
    const caller = k.executor.current?.caller ?? 0;
    const module = k.get(Modules).moduleAt(caller)?.name ?? '';
    const reason = 'it called add_taint()';
    if (lockdep === k.enumValue('LOCKDEP_NOW_UNRELIABLE')) k.traps.taint.addUnreliable(name, reason, module);
    else k.traps.taint.add(name, reason, module);
  }
}

/** Of C's notation; undefined for what is none (`08`). */
function parseUnsigned(digits: string): bigint | undefined {
  if (/^0x/i.test(digits) || !/^0\d/.test(digits)) return BigInt(digits);
  return /^[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : undefined;
}
