import { FileTreeKernel } from '../file-tree-kernel.js';
import type { FileSource, ModuleTree } from '../index.js';
import { type RunningKernel, runToEnd, type Steps, type ToolHost } from '../tools/tool.js';

export interface Captured {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CapturedOptions {
  readonly release?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly kernel?: RunningKernel<never>;
  /** Where relative paths start; '' leaves them as they are. */
  readonly directory?: string;
  readonly modules?: ModuleTree;
}

type AnyTool = (host: ToolHost<never>, args: readonly string[]) => Steps<never, number>;

/** Runs a tool on files, and gives what it wrote. */
export function runTool(
  tool: AnyTool,
  files: FileSource,
  args: readonly string[],
  options: CapturedOptions = {},
): Captured {
  const written = { out: '', err: '' };
  const decoder = new TextDecoder();
  const host: ToolHost<never> = {
    files,
    absolute: (path) => (path.startsWith('/') ? path : `${options.directory ?? ''}/${path}`),
    release: options.release ?? '6.1.0-53-amd64',
    environment: options.environment ?? {},
    kernel: options.kernel ?? new FileTreeKernel(files),
    ...(options.modules && { modules: options.modules }),
    out: (data) => {
      written.out += typeof data === 'string' ? data : decoder.decode(data);
    },
    err: (text) => {
      written.err += text;
    },
  };
  const exit = runToEnd(tool(host, args));
  return { exit, stdout: written.out, stderr: written.err };
}
