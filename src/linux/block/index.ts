import type { SubsystemClass } from '../subsystem.js';
import { BackingDevices } from './backing-dev.js';
import { BadBlocks } from './badblocks.js';
import { BioSets } from './bio-set.js';
import { BlockCgroups } from './blk-cgroup.js';
import { Disks } from './disk.js';
import { Elevators } from './elevator.js';
import { BlockMajors } from './majors.js';
import { BlockProcFiles } from './proc-files.js';
import { RequestQueues } from './queue.js';
import { QueueLimits } from './queue-limits.js';
import { TagSets } from './tag-set.js';

/** The block layer, in boot order. */
export const BLOCK_SUBSYSTEMS: readonly SubsystemClass[] = [
  BlockMajors,
  BackingDevices,
  QueueLimits,
  RequestQueues,
  TagSets,
  Disks,
  BioSets,
  BadBlocks,
  Elevators,
  BlockCgroups,
  BlockProcFiles,
];
