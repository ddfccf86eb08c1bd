import type { FileSource } from '../../files/file-source.js';
import { DiskFiles } from '../node/disk-files.js';
import { ToolExit } from '../tools/log.js';
import { type RunningKernel, runToEnd, type Steps, type ToolHost } from '../tools/tool.js';
import type { ToolRun } from './real-kmod.js';

/** A host that keeps what is written, for tools that act on no kernel. */
class QuietHost implements ToolHost<never> {
  readonly release = '6.1.0-53-amd64';
  readonly environment = {};
  readonly written: Buffer[] = [];
  said = '';

  constructor(readonly files: FileSource) {}

  get kernel(): RunningKernel<never> {
    throw new Error('this host has no kernel');
  }

  absolute(path: string): string {
    return path.startsWith('/') ? path : `${process.cwd()}/${path}`;
  }

  out(data: string | Uint8Array): void {
    this.written.push(Buffer.from(data));
  }

  err(text: string): void {
    this.said += text;
  }
}

/** What a tool writes, and its exit status; on the disk's files where no others are given. */
export function runTool(
  run: (host: ToolHost<never>) => Steps<never, number> | number,
  files: FileSource = new DiskFiles(''),
): ToolRun {
  const host = new QuietHost(files);
  const result = (status: number): ToolRun => ({ status, out: Buffer.concat(host.written), err: host.said });
  try {
    const steps = run(host);
    return result(typeof steps === 'number' ? steps : runToEnd(steps));
  } catch (error) {
    if (error instanceof ToolExit) return result(error.status);
    throw error;
  }
}

/** Messages without those that only modbox has. */
export function kmodMessages(err: string): string {
  return err.replace(/^modbox: .*\n/gm, '');
}
