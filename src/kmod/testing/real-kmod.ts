import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageTree } from '../../testing/corpus.js';

/** What a real tool did. */
export interface ToolRun {
  readonly status: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Debian's kmod, the installed one or its package's; undefined where there is none (in CI that is an error). */
export async function realKmod(): Promise<((tool: string, args: readonly string[]) => ToolRun) | undefined> {
  const binary = await kmodBinary();
  if (binary === undefined) return undefined;
  return (tool, args) => {
    const { status, stdout, stderr } = spawnSync(binary, args, { argv0: tool, maxBuffer: 1 << 28 });
    return { status, out: stdout, err: stderr.toString() };
  };
}

async function kmodBinary(): Promise<string | undefined> {
  const installed = ['/bin/kmod', '/usr/bin/kmod'].find(existsSync);
  if (installed !== undefined) return installed;
  const tree = await packageTree('kmod');
  return tree && ['bin/kmod', 'usr/bin/kmod'].map((path) => join(tree, path)).find(existsSync);
}
