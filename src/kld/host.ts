import type { FileSource } from '../files/file-source.js';
import type { KldKernel } from './kernel.js';

/**
 * A part of a program's run that may have to wait for the running kernel. `Wait` is what it yields meanwhile: the effects of a base
 * kernel's scheduler in a machine, `never` where nothing ever waits.
 */
export type Steps<Wait, Result> = Generator<Wait, Result, undefined>;

/** Where a program writes. */
export interface Output {
  out(data: string | Uint8Array): void;
  err(text: string): void;
}

/** What a program sees, and the kernel that it acts on. Paths may be relative to where the user is. */
export interface KldHost<Wait> extends Output {
  readonly files: FileSource;
  readonly kernel: KldKernel<Wait>;
  /** Makes a path absolute. */
  absolute(path: string): string;
}

/** A command: `args` are without its name. The result is the exit status. */
export type KldTool = <Wait>(host: KldHost<Wait>, args: readonly string[]) => Steps<Wait, number>;

/** A program that runs to its end here and now: nothing in it may wait. */
export function runToEnd(steps: Steps<never, number>): number {
  const { done, value } = steps.next();
  if (!done) throw new Error('a program waits where nothing can be waited for');
  return value;
}
