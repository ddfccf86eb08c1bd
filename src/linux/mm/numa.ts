import { constant } from '../../kernel/abi/fidelity.js';
import { NUMA_NO_NODE } from '../abi/limits.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Distances of nodes (include/linux/topology.h). */
const LOCAL_DISTANCE = 10;
const REMOTE_DISTANCE = 20;

/** Which memory node an address is of, and how far nodes are from each other, where a kernel asks for it: there is one. */
export class NumaTopology implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    phys_to_target_node: (start: number) => (start < this.k.budget.limit ? 0 : NUMA_NO_NODE),
    memory_add_physaddr_to_nid: constant(0),
    numa_map_to_online_node: (node: number) => (node === NUMA_NO_NODE ? NUMA_NO_NODE : 0),
    __node_distance: (from: number, to: number) => (from === to ? LOCAL_DISTANCE : REMOTE_DISTANCE),
  };
}
