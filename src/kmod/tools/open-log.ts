import { NoKernelError } from '../file-tree-kernel.js';
import { LOG, ToolExit, ToolLog } from './log.js';
import type { Steps, ToolHost } from './tool.js';

/** What a tool logs before its options are read. */
const EARLY_PRIORITY = LOG.warning;

/** The log of a tool, on stderr. */
export function openLog<Wait>(host: ToolHost<Wait>, program: string): ToolLog {
  return new ToolLog(program, (text) => host.err(text), EARLY_PRIORITY);
}

/**
 * The log of a tool that was given `-s`. There is no syslog(3), in a machine as outside: as kmod's openlog(3)
 * asks for (LOG_CONS), messages then go to the console, here stderr, and the first one says so.
 */
export function openSyslog<Wait>(host: ToolHost<Wait>, program: string): ToolLog {
  let told = false;
  const write = (text: string): void => {
    if (!told) host.err(`modbox: ${program}: there is no syslog here, messages go to stderr\n`);
    told = true;
    host.err(text);
  };
  return new ToolLog(program, write, EARLY_PRIORITY);
}

/**
 * Runs a tool's body. Where something fatal was said that ends it, as does having to act on a kernel where none
 * is up.
 */
export function* untilExit<Wait>(
  host: ToolHost<Wait>,
  program: string,
  body: Steps<Wait, number>,
): Steps<Wait, number> {
  try {
    return yield* body;
  } catch (error) {
    if (error instanceof ToolExit) return error.status;
    if (!(error instanceof NoKernelError)) throw error;
    host.err(
      `modbox: ${program}: ${error.message}; 'modbox shell' starts one with ${program} in it, and 'modbox run MODULE' loads a module and reports\n`,
    );
    return 1;
  }
}
