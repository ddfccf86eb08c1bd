import type { Ptr } from '../../cpu/layout.js';
import type { Value } from '../../kernel/effects.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { FailureKind } from './error-list.js';
import { injectable } from './injectable.js';

/** A moment at which something can go wrong. */
export interface FailureSite {
  readonly kind: FailureKind | 'pull' | 'interrupt';
  /** In a clause: `__kmalloc fails, called by edu_probe+0x31/0x2c0 [edu]`. */
  readonly what: string;
}

/** What becomes of an interrupt. */
export type InterruptFate = 'comes' | 'is lost' | 'comes twice';

/**
 * What goes wrong in one run: nothing, or the one thing that would be the `failing`th that can. Runs of one seed come to the same moments in the same
 * order, up to the one that fails. Counts between begin() and end().
 */
export class FailurePlan {
  /** All that could have failed, in order. */
  readonly sites: FailureSite[] = [];
  /** The device that was pulled out: all that is read of it is ones. */
  pulled: unknown;
  private counts = false;

  constructor(private readonly failing?: number) {}

  attach(kernel: LinuxKernel): void {
    kernel.executor.instead = (name, caller) => this.instead(kernel, name, caller);
  }

  begin(): void {
    this.counts = true;
  }

  end(): void {
    this.counts = false;
  }

  private instead(kernel: LinuxKernel, name: string, caller: Ptr): { readonly value: Value } | undefined {
    const failing = this.counts ? injectable(kernel, name, caller) : undefined;
    if (!failing) return undefined;
    const what = `${name} fails, called by ${symbolize(kernel, caller)}`;
    return this.fails({ kind: failing.kind, what }) ? { value: failing.gives } : undefined;
  }

  /** A driver reads or writes a device: whether it is gone from now on. */
  access(device: unknown, text: () => string): boolean {
    if (this.pulled === device) return true;
    if (!this.counts || !this.fails({ kind: 'pull', what: text() })) return false;
    this.pulled = device;
    return true;
  }

  /** A device interrupts. */
  interrupt(name: string): InterruptFate {
    if (!this.counts) return 'comes';
    if (this.fails({ kind: 'interrupt', what: `an interrupt of ${name} is lost` })) return 'is lost';
    return this.fails({ kind: 'interrupt', what: `an interrupt of ${name} comes twice` })
      ? 'comes twice'
      : 'comes';
  }

  private fails(site: FailureSite): boolean {
    const index = this.sites.push(site) - 1;
    return index === this.failing;
  }
}
