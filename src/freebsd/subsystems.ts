import { BusGeneric } from './dev/bus-generic.js';
import { BusPassThrough } from './dev/bus-pass-through.js';
import { BusResources } from './dev/bus-resources.js';
import { BusTree } from './dev/bus-tree.js';
import { BusDma } from './dev/busdma.js';
import { DmaTemplates } from './dev/busdma-template.js';
import { Devctl } from './dev/devctl.js';
import { DeviceAttach } from './dev/device-attach.js';
import { DeviceNames } from './dev/device-names.js';
import { DeviceSysctls } from './dev/device-sysctl.js';
import { Devices } from './dev/devices.js';
import { DriverModules } from './dev/driver-modules.js';
import { Hints } from './dev/hints.js';
import { Interrupts } from './dev/interrupts.js';
import { IntrHooks } from './dev/intrhook.js';
import { KeyboardDrivers } from './dev/kbd.js';
import { Kobj } from './dev/kobj.js';
import { KobjInterfaces } from './dev/kobj-interfaces.js';
import { DeviceMemory } from './dev/mapdev.js';
import { Nexus } from './dev/nexus.js';
import { PcMachine } from './dev/pc.js';
import { PcSpeaker } from './dev/pc-speaker.js';
import { PciBus } from './dev/pci.js';
import { ResourceLists } from './dev/resource-list.js';
import { ResourceManagers } from './dev/rman.js';
import { RootBus } from './dev/root-bus.js';
import { TopoLock } from './dev/topo-lock.js';
import { Devfs } from './fs/devfs.js';
import { Files } from './fs/files.js';
import { MountStructs } from './fs/mount-structs.js';
import { Mounts } from './fs/mounts.js';
import { Namecache } from './fs/namecache.js';
import { RootVnodes } from './fs/root-vnodes.js';
import { SocketCalls } from './fs/socket-calls.js';
import { VfsDefault } from './fs/vfs-default.js';
import { VfsHash } from './fs/vfs-hash.js';
import { Namei } from './fs/vfs-lookup.js';
import { VfsOptions } from './fs/vfs-options.js';
import { VnodeOps } from './fs/vfs-vnops.js';
import { VnodeOpens } from './fs/vn-open.js';
import { VnodeSupport } from './fs/vnode-support.js';
import { VnodeTree } from './fs/vnode-tree.js';
import { Vnodes } from './fs/vnodes.js';
import { VopVectors } from './fs/vop-vectors.js';
import { GeomAccess } from './geom/access.js';
import { GeomAttributes } from './geom/attributes.js';
import { Bios } from './geom/bios.js';
import { GeomClasses } from './geom/classes.js';
import { GeomCtl } from './geom/ctl.js';
import { GeomDev } from './geom/dev.js';
import { GeomDisks } from './geom/disk.js';
import { DiskIo } from './geom/disk-io.js';
import { GeomDump } from './geom/dump.js';
import { GeomEvents } from './geom/events.js';
import { GeomIo } from './geom/io.js';
import { GeomObjects } from './geom/objects.js';
import { PartitionSchemes } from './geom/part-schemes.js';
import { GeomSlices } from './geom/slice.js';
import { GeomTopology } from './geom/topology.js';
import { AnyLock } from './kern/any-lock.js';
import { Asts } from './kern/ast.js';
import { BioQueues } from './kern/bioq.js';
import { Callouts } from './kern/callout.js';
import { CloneDevices } from './kern/clone-devs.js';
import { Code } from './kern/code.js';
import { CondVars } from './kern/condvar.js';
import { Conf } from './kern/conf.js';
import { Counters } from './kern/counter.js';
import { Critical } from './kern/critical.js';
import { Devstat } from './kern/devstat.js';
import { Environment } from './kern/environment.js';
import { Epochs } from './kern/epoch.js';
import { EventHandlers } from './kern/eventhandler.js';
import { Firmware } from './kern/firmware.js';
import { Fpu } from './kern/fpu.js';
import { GroupTaskqueues } from './kern/gtaskqueue.js';
import { ElfBrands } from './kern/imgact-elf.js';
import { ExecSwitches } from './kern/kern-exec.js';
import { Hhooks } from './kern/kern-hhook.js';
import { Khelp } from './kern/kern-khelp.js';
import { Mbufs } from './kern/kern-mbuf.js';
import { KernMib } from './kern/kern-mib.js';
import { Osd } from './kern/kern-osd.js';
import { ProcessLists } from './kern/kern-proc.js';
import { Credentials } from './kern/kern-prot.js';
import { Resources } from './kern/kern-resource.js';
import { KernelEvents } from './kern/kqueue.js';
import { Threads } from './kern/kthread.js';
import { LinuxKpi } from './kern/linuxkpi.js';
import { Lockmgr } from './kern/lockmgr.js';
import { Locks } from './kern/locks.js';
import { Malloc } from './kern/malloc.js';
import { Mutexes } from './kern/mutex.js';
import { Param } from './kern/param.js';
import { Physio } from './kern/physio.js';
import { PosixOptions } from './kern/posix4.js';
import { Preload } from './kern/preload.js';
import { RmLocks } from './kern/rmlock.js';
import { RootDirectory } from './kern/root-directory.js';
import { RwLocks } from './kern/rwlock.js';
import { Sbufs } from './kern/sbuf.js';
import { SleepQueues } from './kern/sleepqueue.js';
import { Splash } from './kern/splash.js';
import { SubrPrf } from './kern/subr_prf.js';
import { Hashes } from './kern/subr-hash.js';
import { SxLocks } from './kern/sx.js';
import { Synch } from './kern/synch.js';
import { ProcessMemory } from './kern/sys-process.js';
import { SystemCalls } from './kern/syscalls.js';
import { Sysctls } from './kern/sysctl.js';
import { Taskqueues } from './kern/taskqueue.js';
import { Time } from './kern/time.js';
import { Turnstiles } from './kern/turnstile.js';
import { Uio } from './kern/uio.js';
import { AcceptFilters } from './kern/uipc-accf.js';
import { Domains } from './kern/uipc-domain.js';
import { Listening } from './kern/uipc-listen.js';
import { MbufChains } from './kern/uipc-mbuf.js';
import { MbufCopies } from './kern/uipc-mbuf-copy.js';
import { MbufUio } from './kern/uipc-mbuf-uio.js';
import { MbufTags } from './kern/uipc-mbuf2.js';
import { Sockbufs } from './kern/uipc-sockbuf.js';
import { Sockets } from './kern/uipc-socket.js';
import { SocketOptions } from './kern/uipc-sockopt.js';
import { SocketStates } from './kern/uipc-sockstate.js';
import { SocketReceive } from './kern/uipc-soreceive.js';
import { SocketSend } from './kern/uipc-sosend.js';
import { LocalSockets } from './kern/uipc-usrreq.js';
import { Uma } from './kern/uma.js';
import { UnitNumbers } from './kern/unr.js';
import { UserMemory } from './kern/user-memory.js';
import { RootMount } from './kern/vfs-mountroot.js';
import { Witness } from './kern/witness.js';
import { CkEpochs } from './libkern/ck-epoch.js';
import { Digits } from './libkern/digits.js';
import { Fnmatch } from './libkern/fnmatch.js';
import { Md5Hash } from './libkern/md5.js';
import { Pctries } from './libkern/pctrie.js';
import { Qsort } from './libkern/qsort.js';
import { RandomNumbers } from './libkern/random.js';
import { Strings } from './libkern/strings.js';
import { KernLinker } from './linker/kern-linker.js';
import { LeftBehinds } from './linker/left-behind.js';
import { LinkerSets } from './linker/linker-sets.js';
import { KernelModules } from './linker/modules.js';
import { Bpf } from './net/bpf.js';
import { FibAlgorithms } from './net/fib-algo.js';
import { HookPointers } from './net/hook-pointers.js';
import { Ifnets } from './net/if.js';
import { IfAccessors } from './net/if-accessors.js';
import { IfAddresses } from './net/if-addr.js';
import { IfClones } from './net/if-clone.js';
import { Ethernet } from './net/if-ethersubr.js';
import { IfGroups } from './net/if-group.js';
import { Loopback } from './net/if-loop.js';
import { IfMedia } from './net/if-media.js';
import { IfQueues } from './net/if-queue.js';
import { Netisr } from './net/netisr.js';
import { Pfil } from './net/pfil.js';
import { Vnet } from './net/vnet.js';
import { CongestionControl } from './netinet/cc.js';
import { IpEncap } from './netinet/ip-encap.js';
import { IpProtocols } from './netinet/ip-proto.js';
import { GenericNetlink } from './netlink/netlink-generic.js';
import { MacPolicies } from './security/mac.js';
import { MacSystemV } from './security/mac-sysv.js';
import type { SubsystemClass } from './subsystem.js';
import { Ttys } from './tty/tty.js';
import { VmObjects } from './vm/vm-object.js';
import { VmPages } from './vm/vm-page.js';

/** In the order in which they boot. */
export const SUBSYSTEMS: readonly SubsystemClass[] = [
  Code,
  SubrPrf,
  Param,
  Locks,
  Witness,
  SleepQueues,
  Turnstiles,
  Critical,
  Mutexes,
  SxLocks,
  RwLocks,
  RmLocks,
  AnyLock,
  Lockmgr,
  Synch,
  Malloc,
  Uma,
  Strings,
  PcSpeaker,
  CkEpochs,
  Pctries,
  KernelEvents,
  Splash,
  RootMount,
  RootDirectory,
  Digits,
  Fnmatch,
  Md5Hash,
  GroupTaskqueues,
  Fpu,
  SystemCalls,
  Sbufs,
  RandomNumbers,
  UnitNumbers,
  CondVars,
  Time,
  Preload,
  UserMemory,
  Uio,
  ProcessMemory,
  Conf,
  Devfs,
  Files,
  VopVectors,
  VfsDefault,
  Vnodes,
  VfsHash,
  Namecache,
  VfsOptions,
  RootVnodes,
  MountStructs,
  Mounts,
  Namei,
  VnodeOps,
  VnodeTree,
  VnodeSupport,
  VnodeOpens,
  VmObjects,
  VmPages,
  Environment,
  Threads,
  Callouts,
  Taskqueues,
  LinkerSets,
  KernelModules,
  Ttys,
  Asts,
  Devstat,
  BioQueues,
  Physio,
  GeomTopology,
  GeomEvents,
  GeomObjects,
  GeomAccess,
  GeomClasses,
  PartitionSchemes,
  Bios,
  GeomIo,
  GeomAttributes,
  GeomDev,
  GeomCtl,
  DiskIo,
  GeomDisks,
  GeomDump,
  GeomSlices,
  MacPolicies,
  KernLinker,
  Credentials,
  ProcessLists,
  Resources,
  Vnet,
  Epochs,
  Counters,
  AcceptFilters,
  CongestionControl,
  Osd,
  Khelp,
  Hhooks,
  IpEncap,
  EventHandlers,
  Sysctls,
  KernMib,
  Firmware,
  LinuxKpi,
  LeftBehinds,
  HookPointers,
  IfAccessors,
  IfGroups,
  IfAddresses,
  Ifnets,
  Hashes,
  Qsort,
  IfClones,
  Mbufs,
  MbufChains,
  MbufCopies,
  MbufTags,
  Pfil,
  Netisr,
  Bpf,
  IfMedia,
  KobjInterfaces,
  Kobj,
  Hints,
  BusTree,
  Devices,
  DeviceAttach,
  DeviceNames,
  DriverModules,
  BusGeneric,
  TopoLock,
  ResourceManagers,
  ResourceLists,
  BusResources,
  BusPassThrough,
  DeviceMemory,
  BusDma,
  DmaTemplates,
  Interrupts,
  IntrHooks,
  DeviceSysctls,
  Devctl,
  Nexus,
  PciBus,
  RootBus,
  Domains,
  IfQueues,
  Ethernet,
  Loopback,
  Sockbufs,
  MbufUio,
  SocketStates,
  Sockets,
  Listening,
  SocketSend,
  SocketReceive,
  SocketOptions,
  LocalSockets,
  SocketCalls,
  KeyboardDrivers,
  PcMachine,
  CloneDevices,
  ExecSwitches,
  ElfBrands,
  PosixOptions,
  MacSystemV,
  IpProtocols,
  FibAlgorithms,
  GenericNetlink,
];
