import { depmod, RecordingKernel, runToEnd, TOOLS, type Tool } from '../../tools.js';
import { RecordedCommands } from '../recorded-commands.js';
import { type CliHost, cliHost } from '../tool-host.js';

/** kmod's tools outside of a machine: they read, and index, a file tree. */
export async function main(tool: string, args: readonly string[]): Promise<number> {
  const host = cliHost();
  if (host.kernel instanceof RecordingKernel)
    host.kernel.commands = new RecordedCommands(host, await allTools());
  try {
    return await run(host, tool, args);
  } finally {
    host.flush();
  }
}

/** Commands of modprobe.d may call any of them, in the middle of another. */
async function allTools(): Promise<ReadonlyMap<string, Tool>> {
  const names = Object.keys(TOOLS);
  const tools = await Promise.all(names.map((name) => TOOLS[name]()));
  return new Map(names.map((name, i) => [name, tools[i]]));
}

async function run(host: CliHost, tool: string, args: readonly string[]): Promise<number> {
  if (tool === 'depmod') return await depmod(host, args);
  return runToEnd((await TOOLS[tool]())(host, args));
}
