import { LOGLEVEL_NOTICE } from '../../kernel/log.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { type LockdownLevel, signaturePolicy } from './signature-policy.js';

/** Kernel lockdown: what not even root may do, so that the kernel stays what it was booted as. */
export class Lockdown implements Subsystem {
  readonly exports = {};
  readonly level: LockdownLevel;

  constructor(private readonly k: LinuxKernel) {
    this.level = signaturePolicy(k.target.config, k.cmdline).lockdown;
  }

  /** security_locked_down() for what `integrity` forbids already: whether it is, which the log then says. */
  forbids(what: string): boolean {
    if (this.level === 'none') return false;
    const program = this.k.executor.current?.name ?? 'swapper/0';
    this.k.log.line(
      `Lockdown: ${program}: ${what} is restricted; see man kernel_lockdown.7`,
      LOGLEVEL_NOTICE,
    );
    return true;
  }
}
