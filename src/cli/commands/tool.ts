import { runNow, type Tool } from '../../kmod/tools/tool.js';
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
  try {
    return await run(host, tool, args);
  } finally {
    host.flush();
  }
}

async function run(host: CliHost, tool: string, args: readonly string[]): Promise<number> {
  if (tool === 'depmod') {
    const { runDepmod } = await import('../../kmod/node/depmod/run-depmod.js');
    return await runDepmod(host, args);
  }
  return runNow((await TOOLS[tool]())(host, args));
}
