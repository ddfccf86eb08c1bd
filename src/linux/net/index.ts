import type { SubsystemClass } from '../subsystem.js';
import { BpfKernelFunctions } from './core/bpf-kfuncs.js';
import { Datagrams } from './core/datagram.js';
import { DeviceAddressLists } from './core/dev-addr-lists.js';
import { DeviceAdjacency } from './core/dev-adjacency.js';
import { DeviceAllocation } from './core/dev-alloc.js';
import { DeviceFeatures } from './core/dev-features.js';
import { DeviceNotifiers } from './core/dev-notifiers.js';
import { DeviceOpening } from './core/dev-open.js';
import { Reception } from './core/dev-receive.js';
import { DeviceRegistration } from './core/dev-register.js';
import { DeviceStatistics } from './core/dev-stats.js';
import { DeviceTransmission } from './core/dev-xmit.js';
import { DropReasons } from './core/drop-reasons.js';
import { Destinations } from './core/dst.js';
import { DestinationCaches } from './core/dst-cache.js';
import { Ethernet } from './core/eth.js';
import { Ethtool } from './core/ethtool.js';
import { ProtocolFamilies } from './core/families.js';
import { FlowDissectors } from './core/flow-dissector.js';
import { GroCells } from './core/gro-cells.js';
import { L3Masters } from './core/l3mdev.js';
import { LinkWatch } from './core/link-watch.js';
import { Loopback } from './core/loopback.js';
import { LightweightTunnels } from './core/lwtunnel.js';
import { MdioBoards } from './core/mdio-boards.js';
import { Napi } from './core/napi.js';
import { SocketIoctlHooks } from './core/net-hooks.js';
import { NetNamespaces } from './core/net-namespace.js';
import { NetProcFiles } from './core/net-procfs.js';
import { NetRatelimit } from './core/net-ratelimit.js';
import { NetSysfs } from './core/net-sysfs.js';
import { NetDevices } from './core/netdevices.js';
import { NetNotifierChains } from './core/notifier-chains.js';
import { PacketTypes } from './core/packet-types.js';
import { PernetOperations } from './core/pernet.js';
import { SocketProtocols } from './core/protocols.js';
import { PtpClassifier } from './core/ptp-classifier.js';
import { Rtnetlink } from './core/rtnetlink.js';
import { Rtnl } from './core/rtnl.js';
import { ControlMessages } from './core/scm.js';
import { SkbAllocation } from './core/skb-alloc.js';
import { SkbData } from './core/skb-data.js';
import { SkbExtensions } from './core/skb-extensions.js';
import { SkbQueues } from './core/skb-queue.js';
import { Socks } from './core/sock.js';
import { SocketDiagnosis } from './core/sock-diag.js';
import { SocketMemory } from './core/sock-memory.js';
import { AbsentSocketOperations } from './core/sock-no.js';
import { SocketOptions } from './core/sock-options.js';
import { SocketTimers } from './core/sock-timer.js';
import { KernelSockets } from './core/socket.js';
import { SoftnetData } from './core/softnet.js';
import { TransmitQueues } from './core/tx-queues.js';
import { InetSockets } from './ipv4/af-inet.js';
import { BuiltInInetProtocols } from './ipv4/built-in-protocols.js';
import { InetControlSockets } from './ipv4/control-socket.js';
import { Ipv4Host } from './ipv4/host.js';
import { InetBinding } from './ipv4/inet-bind.js';
import { ConnectionSocks } from './ipv4/inet-connection-sock.js';
import { FragmentQueues } from './ipv4/inet-fragment.js';
import { InetHashtables } from './ipv4/inet-hashtables.js';
import { InetPorts } from './ipv4/inet-ports.js';
import { InetStreams } from './ipv4/inet-stream.js';
import { IpSocketOptions } from './ipv4/ip-sock-options.js';
import { InetProtocols } from './ipv4/protocol.js';
import { InetSwitch } from './ipv4/protosw.js';
import { TcpSockets } from './ipv4/tcp.js';
import { TcpAlgorithms } from './ipv4/tcp-cong.js';
import { TcpAckHooks } from './ipv4/tcp-hooks.js';
import { UdpSockets } from './ipv4/udp.js';
import { Ipv6 } from './ipv6/af-inet6.js';
import { Ipv6Stub } from './ipv6/ipv6-stub.js';
import { Ipv6LinkReady } from './ipv6/link-ready.js';
import { NetfilterHooks } from './netfilter/hooks.js';
import { NetfilterLoggers } from './netfilter/log.js';
import { NetfilterQueue } from './netfilter/queue.js';
import { NetfilterSockopts } from './netfilter/sockopt.js';
import { Netlink } from './netlink/af-netlink.js';
import { GenericNetlink } from './netlink/genetlink.js';
import { NamespaceNetlink } from './netlink/namespace-sockets.js';
import { NetlinkAttributes } from './netlink/nlattr-read.js';
import { NetlinkMessages } from './netlink/nlattr-write.js';
import { ClassifierActions } from './sched/act-api.js';
import { ActionTables } from './sched/act-idr.js';
import { Classifiers } from './sched/cls-api.js';
import { NoopDiscipline } from './sched/noop.js';
import { QueueingDisciplines } from './sched/sch-api.js';
import { WirelessEvents } from './wireless/wext-core.js';
import { XfrmProtocols } from './xfrm/protocols.js';
import { XfrmRegistry } from './xfrm/state.js';

/** The network stack, in boot order. */
export const NET_SUBSYSTEMS: readonly SubsystemClass[] = [
  SkbAllocation,
  SkbData,
  SkbQueues,
  Socks,
  SocketMemory,
  SocketOptions,
  IpSocketOptions,
  Datagrams,
  ControlMessages,
  KernelSockets,
  SocketIoctlHooks,
  SocketTimers,
  AbsentSocketOperations,
  Netlink,
  NetlinkAttributes,
  NetlinkMessages,
  Destinations,
  DestinationCaches,
  BpfKernelFunctions,
  Rtnl,
  NetNamespaces,
  PernetOperations,
  NamespaceNetlink,
  NetDevices,
  DeviceAddressLists,
  DeviceNotifiers,
  DeviceOpening,
  LinkWatch,
  DeviceAllocation,
  DeviceTransmission,
  TransmitQueues,
  Reception,
  DeviceStatistics,
  NetSysfs,
  DeviceRegistration,
  DeviceAdjacency,
  DeviceFeatures,
  SoftnetData,
  Napi,
  GroCells,
  DropReasons,
  Ethtool,
  MdioBoards,
  L3Masters,
  FlowDissectors,
  NetRatelimit,
  Rtnetlink,
  Ethernet,
  NoopDiscipline,
  QueueingDisciplines,
  Classifiers,
  ClassifierActions,
  ActionTables,
  NetNotifierChains,
  PacketTypes,
  SocketProtocols,
  SkbExtensions,
  PtpClassifier,
  ProtocolFamilies,
  SocketDiagnosis,
  LightweightTunnels,
  InetProtocols,
  InetPorts,
  InetBinding,
  InetStreams,
  TcpSockets,
  UdpSockets,
  BuiltInInetProtocols,
  InetSwitch,
  InetSockets,
  InetControlSockets,
  FragmentQueues,
  InetHashtables,
  ConnectionSocks,
  Ipv4Host,
  Ipv6,
  Ipv6LinkReady,
  Ipv6Stub,
  TcpAlgorithms,
  TcpAckHooks,
  NetfilterHooks,
  NetfilterLoggers,
  NetfilterQueue,
  NetfilterSockopts,
  GenericNetlink,
  XfrmProtocols,
  WirelessEvents,
  XfrmRegistry,
  Loopback,
  NetProcFiles,
];
