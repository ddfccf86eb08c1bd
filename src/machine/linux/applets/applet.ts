import type { Sleepable } from '../../../kernel/effects.js';
import { ENOENT, strerror } from '../../../linux/errno.js';
import type { Applet as AnyApplet, AppletContext as AnyContext } from '../../shell/applet.js';
import { readFile } from '../../shell/applet.js';
import type { Machine } from '../machine.js';
import type { ProcessFiles } from '../shell/process-files.js';

export { AppletUsageError, inputs, parseFlags, readFile } from '../../shell/applet.js';

/** What a command is started with. */
export interface AppletContext extends AnyContext {
  readonly machine: Machine;
  readonly vfs: ProcessFiles;
}

/** A command of the machine's shell. */
export type Applet = AnyApplet<AppletContext>;

/** strerror of a negative error number. */
export function message(result: number): string {
  return strerror(-result);
}

/** A module's file: of the machine's tree, else of the host's, where the machine was given that. */
export function* readModuleFile(context: AppletContext, file: string): Sleepable<Uint8Array | number> {
  const own = yield* readFile(context.vfs, context.path(file));
  if (typeof own !== 'number') return own;
  return context.machine.hostFiles?.read(file) ?? (own || -ENOENT);
}
