import type { Applet as AnyApplet, AppletContext as AnyContext } from '../../shell/applet.js';
import type { FreebsdMachine } from '../machine.js';
import type { ProcessFiles } from '../shell/process-files.js';

/** What a command is started with. */
export interface AppletContext extends AnyContext {
  readonly machine: FreebsdMachine;
  readonly vfs: ProcessFiles;
}

/** A command of the shell of FreeBSD's machines. */
export type Applet = AnyApplet<AppletContext>;
