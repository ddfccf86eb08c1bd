import type { FailingCalls } from '../../kernel/abi/failing-calls.js';
import { prototypeText } from '../../kernel/abi/signature.js';
import type { Value } from '../../kernel/effects.js';
import { GFP_NOFAIL } from '../abi/gfp.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { ERROR_LIST, type FailureKind } from './error-list.js';

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
export class FailurePlan implements FailingCalls {
  /** All that could have failed, in order. */
  readonly sites: FailureSite[] = [];
  /** The device that was pulled out: all that is read of it is ones. */
  pulled: unknown;
  private counts = false;
  private kernel: LinuxKernel | undefined;
  private readonly flags = new Map<string, number>();

  constructor(private readonly failing?: number) {}

  attach(kernel: LinuxKernel): void {
    this.kernel = kernel;
  }

  begin(): void {
    this.counts = true;
  }

  end(): void {
    this.counts = false;
  }

  has(name: string): boolean {
    return ERROR_LIST.has(name);
  }

  instead(name: string, args: readonly unknown[]): Value | undefined {
    const failing = ERROR_LIST.get(name);
    const { kernel } = this;
    if (!this.counts || !kernel || !failing) return undefined;
    if (Number(args[this.flagsOf(kernel, name)] ?? 0) & GFP_NOFAIL) return undefined;
    const caller = kernel.executor.current?.caller ?? 0;
    // What the kernel's own code asks for is not the module's to handle.
    if (symbolAt(kernel, caller)?.module === undefined) return undefined;
    const what = `${name} fails, called by ${symbolize(kernel, caller)}`;
    return this.fails({ kind: failing.kind, what }) ? failing.gives : undefined;
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

  /** Which argument of a function is gfp_t, by its prototype; -1 for none. */
  private flagsOf(kernel: LinuxKernel, name: string): number {
    const known = this.flags.get(name);
    if (known !== undefined) return known;
    const text = prototypeText(kernel.target.types, name) ?? '';
    const place = text
      .slice(text.indexOf('(') + 1)
      .split(',')
      .findIndex((parameter) => /\bgfp_t\b/.test(parameter));
    this.flags.set(name, place);
    return place;
  }

  private fails(site: FailureSite): boolean {
    const index = this.sites.push(site) - 1;
    return index === this.failing;
  }
}
