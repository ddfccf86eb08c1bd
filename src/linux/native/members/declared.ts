/** All members of a struct. */
export const EVERYTHING = '*';

interface Declared {
  readonly struct: string;
  readonly members: string;
  readonly why: string;
}

/** What TypeScript makes in block/ for targets without an image alone. */
const BLOCK_LAYER =
  'request_queue gendisk block_device request blk_mq_hw_ctx blk_mq_tags blk_mq_tag_set queue_limits bio_set elevator_type blkcg blkcg_policy'.split(
    ' ',
  );

/**
 * Members that the survey takes for neglected, and that hold what they hold in a kernel all the same. Each says why: who looks at one
 * finds the truth.
 */
const DECLARED: readonly Declared[] = [
  {
    struct: 'device',
    members: 'pm_domain iommu iommu_group em_pd power.wakeirq power.subsys_data power.qos',
    why: 'no power domains, IOMMUs, energy models; wake-up interrupts and wishes for latency are native code’s own',
  },
  {
    struct: 'device',
    members:
      'power.in_dpm_list power.is_prepared power.is_suspended power.is_noirq_suspended power.is_late_suspended power.direct_complete power.early_init power.wakeup_path power.syscore power.no_pm power.no_pm_callbacks power.async_suspend power.must_resume power.may_skip_resume power.ignore_children',
    why: 'the machine is never suspended',
  },
  { struct: 'device', members: 'pins', why: 'no pin controllers are there when drivers are bound' },
  { struct: 'device', members: 'dma_io_tlb_mem dma_io_tlb_pools', why: 'no memory is bounced' },
  { struct: 'wakeup_source', members: 'wakeirq', why: 'wake-up interrupts are native code’s own' },
  { struct: 'kobject', members: 'uevent_suppress', why: 'TypeScript goes by it, and native code sets it' },
  {
    struct: 'irq_work',
    members: 'node.llist.next node.src node.dst irqwait.task',
    why: 'who queues one, and who waits for one, is TypeScript, which has queues of its own',
  },
  { struct: 'device', members: 'dma_skip_sync', why: 'to sync what needs it not changes nothing' },
  { struct: 'nvmem_device', members: 'wp_gpio', why: 'no line protects a memory' },
  { struct: 'ktermios', members: EVERYTHING, why: 'settings of a line are copied as a whole' },
  { struct: 'tty_port', members: 'ops', why: 'drivers set it' },
  { struct: 'tty_driver', members: 'ops', why: 'drivers set it: TypeScript has none of its own' },
  { struct: 'input_absinfo', members: EVERYTHING, why: 'a driver or its firmware tells of axes' },
  { struct: 'nf_hook_entries', members: EVERYTHING, why: 'made as a whole' },
  {
    struct: 'acpi_device',
    members: EVERYTHING,
    why: 'no table tells of one: those that are made are native code’s own',
  },
  { struct: 'spi_device', members: EVERYTHING, why: 'devices of SPI are native code’s own' },
  { struct: 'device', members: 'dma_parms', why: 'buses set it as the kernel’s do' },
  { struct: 'device_driver', members: 'pm', why: 'modules fill it' },
  {
    struct: 'task_struct',
    members: 'audit_context kmap_ctrl pagefault_disabled delays thread_info.status',
    why: 'nobody audits or accounts delays, no memory is high, system calls are the 64-bit ones',
  },
  { struct: 'signal_struct', members: EVERYTHING, why: 'filled as a fork leaves it' },
  { struct: 'sighand_struct', members: EVERYTHING, why: 'filled as a fork leaves it' },
  { struct: 'pid', members: EVERYTHING, why: 'filled as a fork leaves it' },
  {
    struct: 'task_struct',
    members:
      'pending.signal blocked real_blocked saved_sigmask restore_sigmask jobctl ptrace ptrace_entry exit_state last_siginfo',
    why: 'signals are native code’s own, and nobody traces',
  },
  {
    struct: 'sock',
    members:
      'sk_no_check_tx sk_no_check_rx sk_tsflags sk_reuseport_cb sk_route_caps __sk_common.skc_bound_dev_if __sk_common.skc_reuse',
    why: 'options of sockets that only native code sets',
  },
  {
    struct: 'task_struct',
    members:
      'sched_remote_wakeup in_execve in_iowait in_user_fault frozen no_cgroup_migration use_memdelay in_memstall in_page_owner in_eventfd in_thrashing pasid_activated reported_split_lock user_dumpable in_lru_fault brk_randomized',
    why: 'what a task waits for is counted by nobody, and no control group freezes it',
  },
  { struct: 'task_struct', members: 'thread_info.cpu recent_used_cpu wake_cpu', why: 'the one processor' },
  {
    struct: 'task_struct',
    members: 'thread_info.preempt_lazy_count',
    why: 'counted up and down by native code and modules alone: who gives way when is the scheduler’s, which does not go by it',
  },
  {
    struct: 'task_struct',
    members:
      'plug bio_list backing_dev_info reclaim_state io_context ioac nr_dirtied dirty_paused_when journal_info splice_pipe memcg_in_oom memcg_oom_gfp_mask memcg_oom_order memcg_nr_pages_over_high active_memcg throttle_queue use_memdelay',
    why: 'block I/O of a task is native code’s own, which begins with none as a fork leaves it',
  },
  { struct: 'page', members: 'memcg_data', why: 'nothing is charged to anybody' },
  { struct: 'folio', members: 'memcg_data', why: 'nothing is charged to anybody' },
  {
    struct: 'address_space',
    members: 'i_pages nrpages writeback_index private_list private_data wb_err flags',
    why: 'what of a file is in memory is native code’s own',
  },
  {
    struct: 'inode',
    members:
      'dirtied_when dirtied_time_when i_readcount i_security i_fsnotify_marks i_version i_io_list i_lru',
    why: 'begins as in the kernel; only native code writes back, and nobody measures or watches',
  },
  {
    struct: 'super_block',
    members: 's_readonly_remount s_iflags s_roots s_security s_wb_err s_fsnotify_marks s_pins s_dio_done_wq',
    why: 'file systems and native code set them, which begin with none',
  },
  { struct: 'dentry', members: 'd_fsdata', why: 'file systems set it' },
  {
    struct: 'file',
    members: 'f_owner f_ep f_security f_version',
    why: 'owners of files are native code’s own',
  },
  ...BLOCK_LAYER.map((struct) => ({
    struct,
    members: EVERYTHING,
    why: 'the block layer is native where there is an image',
  })),
  { struct: 'task_struct', members: 'bpf_ctx', why: 'programs are run by native code' },
  { struct: 'task_struct', members: 'atomic_flags', why: 'no task asks for what they say' },
  {
    struct: 'sock',
    members:
      'sk_dst_cache sk_rx_dst sk_rx_dst_ifindex sk_rx_dst_cookie sk_dst_pending_confirm sk_gso_disabled sk_gso_type sk_gso_max_size sk_gso_max_segs sk_txhash sk_err_soft sk_tskey sk_zckey sk_wmem_queued sk_backlog.len sk_tsq_flags __sk_common.skc_dontcopy_end',
    why: 'set when a socket connects, sends or receives: native code and modules do that by themselves, TypeScript’s own protocols not at all',
  },
  {
    struct: 'sock',
    members:
      'sk_memcg sk_security sk_cgrp_data sk_bpf_storage sk_filter sk_validate_xmit_skb sk_policy sk_reserved_mem',
    why: 'no control groups, security modules, filters, IPsec policies or offloads but those that native code attaches',
  },
  {
    struct: 'sock',
    members:
      '__sk_common.skc_hash __sk_common.skc_bind_node __sk_common.skc_portpair __sk_common.skc_node __sk_common.skc_dontcopy_begin __sk_common.skc_rxhash sk_forward_alloc',
    why: 'a socket of TypeScript’s is in no table of the kernel’s, and holds no memory of a protocol',
  },
  {
    struct: 'tcp_sock',
    members: EVERYTHING,
    why: 'begins as tcp_init_sock() leaves it; what connections change is native code’s and modules’ own',
  },
  { struct: 'inet_connection_sock', members: EVERYTHING, why: 'as tcp_sock, which it is a part of' },
  { struct: 'pci_dev', members: 'mmio_always_on external_facing', why: 'no quirk and no firmware says it' },
  { struct: 'lruvec', members: EVERYTHING, why: 'no page has been aged, and nobody does' },
  { struct: 'super_block', members: 'rcu', why: 'used while a super block is let go of' },
  { struct: 'cred', members: 'rcu non_rcu', why: 'used while credentials are let go of' },
  {
    struct: 'backing_dev_info',
    members: EVERYTHING,
    why: 'only disks are written back to, which the block layer makes, native where there is an image',
  },
  {
    struct: 'mm_struct',
    members:
      'rss_stat locked_vm pinned_vm total_vm data_vm exec_vm stack_vm hiwater_rss hiwater_vm map_count notifier_subscriptions exe_file',
    why: 'nothing is mapped in the one that TypeScript makes',
  },
  { struct: 'sock', members: 'sk_rcu', why: 'used while a socket is let go of' },
  {
    struct: 'sock',
    members: '__sk_common.skc_cookie',
    why: 'zero until somebody asks for it, who is native code: sock_gen_cookie() gives it then',
  },
  { struct: 'socket', members: 'file', why: 'sockets of the kernel’s own have no file' },
  { struct: 'socket_wq', members: 'fasync_list', why: 'sockets of the kernel’s own have no file' },
  { struct: 'msghdr', members: EVERYTHING, why: 'filled by who sends or receives; TypeScript passes it on' },
  {
    struct: 'Qdisc',
    members: EVERYTHING,
    why: 'the only discipline that TypeScript makes is noop_qdisc, as the image has it',
  },
  { struct: 'net', members: 'bpf.run_array', why: 'no programs are attached' },
  { struct: 'net', members: 'mib', why: 'the statistics of each kind are allocated' },
  { struct: 'super_block', members: 's_fsnotify_connectors', why: 'nobody watches files' },
  { struct: 'inode', members: 'i_flctx', why: 'locks of files are native code’s own' },
  {
    struct: 'net_device',
    members: 'link_mode watchdog_timeo gflags',
    why: 'drivers set them, and what is asked for over netlink or of native code',
  },
  { struct: 'ctl_table', members: 'procname mode', why: 'whoever registers a table has filled it' },
  { struct: 'net_device', members: 'phydev', why: 'PHYs are connected by modules' },
  { struct: 'net_device', members: 'xdp_prog', why: 'programs are attached by native code alone' },
  { struct: 'net_device', members: 'lstats tstats dstats', why: 'drivers allocate their statistics' },
  {
    struct: 'inode',
    members: 'i_wb i_wb_frn_winner i_wb_frn_avg_time i_wb_frn_history',
    why: 'no control group writes back',
  },
  {
    struct: 'inode',
    members: 'i_atime i_mtime i_ctime',
    why: 'file systems set the times of their inodes; files of the base kernel have none',
  },
  { struct: 'file', members: 'f_llist f_rcuhead', why: 'used while a file is let go of' },
  { struct: 'vm_area_struct', members: 'vm_ops vm_private_data', why: 'drivers set them in their mmap()' },
  { struct: 'page', members: 'lru', why: 'pages in use are in no list of TypeScript’s' },
  {
    struct: 'irq_data',
    members: 'parent_data domain chip_data',
    why: 'interrupt domains are native code’s own',
  },
  { struct: 'irq_data', members: 'common', why: 'set in the irq_desc round it' },
  {
    struct: 'cred',
    members:
      'uid gid suid sgid euid egid fsuid fsgid securebits user_ns group_info cap_inheritable cap_permitted cap_effective cap_bset cap_ambient',
    why: 'credentials are copied as a whole',
  },
  {
    struct: 'sk_buff',
    members:
      'headers cb tstamp cloned nohdr fclone peeked head_frag pfmemalloc pp_recycle active_extensions extensions _skb_refdst _nfct',
    why: 'packets are copied as a whole, with what they hold',
  },
];

/** Members that TypeScript sets to less than a kernel has there: who looks at one would miss the rest. */
const SET_TO_LESS: readonly Declared[] = [
  {
    struct: 'task_struct',
    members: 'tasks children sibling',
    why: 'tasks are in no lists of the kernel’s: each is a process by itself',
  },
  { struct: 'module', members: 'source_list target_list', why: 'who uses whom is kept elsewhere' },
  { struct: 'net', members: 'rules_ops', why: 'IPv4 and IPv6 have not registered theirs' },
];

/** Structs that TypeScript never makes as a part of another, so that nobody looks for what is round them: behind a message's header is what it says, round a page are pages. */
export const ALONE: ReadonlySet<string> = new Set([
  'sk_buff',
  'nlmsghdr',
  'nf_hook_entries',
  'page',
  'folio',
]);

/** Structs of which TypeScript makes none, whatever is inside of them: arrays in one are native code's own. */
export const NEVER_MADE: ReadonlySet<string> = new Set(['acpi_device', 'spi_device']);

/** Paths of members that hold the truth, by struct. */
export const declaredMembers = (): ReadonlyMap<string, readonly string[]> => pathsOf(DECLARED);

/** Paths of members that hold less than it, by struct. */
export const lesserMembers = (): ReadonlyMap<string, readonly string[]> => pathsOf(SET_TO_LESS);

function pathsOf(declared: readonly Declared[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { struct, members } of declared)
    found.set(struct, [...(found.get(struct) ?? []), ...members.split(' ')]);
  return found;
}
