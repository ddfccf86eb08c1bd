import { RecordingKernel } from '../../kmod/recording-kernel.js';
import { runToEnd, type Tool } from '../../kmod/tools/tool.js';
import { RecordedCommands } from '../recorded-commands.js';
import { type CliHost, cliHost } from '../tool-host.js';

/** kmod's tools, each loaded only when it is called. */
const TOOLS: Readonly<Record<string, () => Promise<Tool>>> = {
  insmod: async () => (await import('../../kmod/tools/insmod.js')).insmod,
  kmod: async () => (await import('../../kmod/tools/kmod.js')).kmod,
  lsmod: async () => (await import('../../kmod/tools/lsmod.js')).lsmod,
  modinfo: async () => (await import('../../kmod/tools/modinfo.js')).modinfo,
  modprobe: async () => (await import('../../kmod/tools/modprobe.js')).modprobe,
  rmmod: async () => (await import('../../kmod/tools/rmmod.js')).rmmod,
};

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
  if (tool === 'depmod') {
    const { runDepmod } = await import('../../kmod/node/depmod/run-depmod.js');
    return await runDepmod(host, args);
  }
  return runToEnd((await TOOLS[tool]())(host, args));
}
