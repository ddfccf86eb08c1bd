import { Devfs } from './fs/devfs.js';
import { Files } from './fs/files.js';
import { AnyLock } from './kern/any-lock.js';
import { Callouts } from './kern/callout.js';
import { Code } from './kern/code.js';
import { Conf } from './kern/conf.js';
import { Critical } from './kern/critical.js';
import { Environment } from './kern/environment.js';
import { EventHandlers } from './kern/eventhandler.js';
import { Threads } from './kern/kthread.js';
import { Locks } from './kern/locks.js';
import { Malloc } from './kern/malloc.js';
import { Mutexes } from './kern/mutex.js';
import { Param } from './kern/param.js';
import { RmLocks } from './kern/rmlock.js';
import { RwLocks } from './kern/rwlock.js';
import { SleepQueues } from './kern/sleepqueue.js';
import { SubrPrf } from './kern/subr_prf.js';
import { SxLocks } from './kern/sx.js';
import { Synch } from './kern/synch.js';
import { Sysctls } from './kern/sysctl.js';
import { Taskqueues } from './kern/taskqueue.js';
import { Turnstiles } from './kern/turnstile.js';
import { Uio, UserMemory } from './kern/uio.js';
import { Uma } from './kern/uma.js';
import { Strings } from './libkern/strings.js';
import { KernLinker } from './linker/kern-linker.js';
import { LinkerSets } from './linker/linker-sets.js';
import { KernelModules } from './linker/modules.js';
import type { SubsystemClass } from './subsystem.js';

/** In the order in which they boot. */
export const SUBSYSTEMS: readonly SubsystemClass[] = [
  Code,
  SubrPrf,
  Param,
  Locks,
  SleepQueues,
  Turnstiles,
  Critical,
  Mutexes,
  SxLocks,
  RwLocks,
  RmLocks,
  AnyLock,
  Synch,
  Malloc,
  Uma,
  Strings,
  UserMemory,
  Uio,
  Conf,
  Devfs,
  Files,
  Environment,
  Threads,
  Callouts,
  Taskqueues,
  LinkerSets,
  KernelModules,
  KernLinker,
  EventHandlers,
  Sysctls,
];
