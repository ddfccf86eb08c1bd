import type { DependencyGraph } from '../graph/dependency-graph.js';
import type { Tool } from '../tools/tool.js';
import type { DiskDepmodHost } from './depmod/run-depmod.js';

/** kmod's tools, but for depmod, which uses Node's threads. */
export const TOOLS: Readonly<Record<string, () => Promise<Tool>>> = {
  insmod: async () => (await import('../tools/insmod.js')).insmod,
  kmod: async () => (await import('../tools/kmod.js')).kmod,
  lsmod: async () => (await import('../tools/lsmod.js')).lsmod,
  modinfo: async () => (await import('../tools/modinfo.js')).modinfo,
  modprobe: async () => (await import('../tools/modprobe.js')).modprobe,
  rmmod: async () => (await import('../tools/rmmod.js')).rmmod,
};

/** depmod(8), reading modules in threads: the exit status. */
export async function depmod(host: DiskDepmodHost, args: readonly string[]): Promise<number> {
  const { runDepmod } = await import('./depmod/run-depmod.js');
  return await runDepmod(host, args);
}

/** A graph as text, for people, for Graphviz, and as a picture. */
export const GRAPH_TEXTS: Readonly<
  Record<'tree' | 'dot' | 'svg', (graph: DependencyGraph) => Promise<string>>
> = {
  tree: async (graph) => (await import('../graph/text-tree.js')).textTree(graph),
  dot: async (graph) => (await import('../graph/dot.js')).dotText(graph),
  svg: async (graph) => (await import('../graph/svg.js')).svgText(graph),
};
