import { EROFS, strerror } from '../../linux/errno.js';
import type { FileWriter, WriteProblem } from '../file-writer.js';
import type { ToolLog } from './log.js';

/** Writes the files of an index into a directory; the exit status. */
export function writeIndex(
  writer: FileWriter | undefined,
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
  log: ToolLog,
): number {
  const errno = writer ? writer.makeDirectories(directory) : EROFS;
  if (!writer || errno !== 0) {
    log.fatal(`could not create directory ${directory}: ${strerror(errno)}\n`);
    return 1;
  }
  const problems = writer.replaceFiles(directory, files);
  for (const problem of problems) tell(problem, directory, log);
  // kmod ends well where it could make none of the files, having said so of each.
  return problems.every(({ step }) => step === 'open') ? 0 : 1;
}

function tell(problem: WriteProblem, directory: string, log: ToolLog): void {
  const why = strerror(problem.errno);
  switch (problem.step) {
    case 'open':
      log.error(`Could not create temporary file at '${directory}'\n`);
      break;
    case 'write':
      log.error(`Could not create index '${problem.name}'. Output is truncated: ${why}\n`);
      break;
    case 'rename':
      log.fatal(`publish temporary from ${problem.temporary} to ${problem.name}\n`);
      break;
  }
}
