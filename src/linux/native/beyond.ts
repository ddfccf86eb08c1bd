import { wholeOf } from './places.js';

/** What a kernel has and modbox's machine never: `functions` are the ways into it. */
interface Beyond {
  readonly what: string;
  readonly functions: RegExp;
}

/**
 * Functions that native code only goes to on machines, or in states, that modbox's is never one of: behind a test of something that
 * is not so. Who leads to one may run all the same. Who comes to one after all is stopped by name.
 */
const BEYOND: readonly Beyond[] = [
  {
    what: 'a Xen domain',
    functions:
      /^(xen_(biovec_phys_mergeable|swiotlb_\w+|hypercall_\w+|alloc_p2m_entry)|__xen_hypercall_setfunc|arbitrary_virt_to_machine|get_phys_to_machine|(__)?set_phys_to_machine|(set|clear)_foreign_p2m_mapping)$/,
  },
  { what: 'a guest of Hyper-V', functions: /^hv_(do_hypercall|ghcb_\w+|set_mem_host_visibility)$/ },
  { what: 'tables of the firmware while it boots', functions: /^__acpi_(un)?map_table$/ },
  {
    // No memory is taken back: what is allocated stays where it is.
    what: 'reclaim, swap and migration of pages',
    functions:
      /^(shrink_(node|lruvec|folio_list|slab)|do_try_to_free_pages|throttle_direct_reclaim|try_to_free_(pages|mem_cgroup_pages)|reclaim_(high|throttle)|try_to_(unmap|migrate)|migrate_pages|__migrate_device_pages|migrate_device_coherent_page|folio_free_swap|__try_to_reclaim_swap|free_swap_and_cache|(__)?(front)?swap_\w+|(get|put)_swap_\w+|free_swap_slot|swapcache_\w+|__frontswap_\w+|(__)?(add_to|delete_from)_swap(_cache)?|wakeup_kswapd)$/,
  },
  {
    what: 'huge pages',
    functions:
      /^(split_huge_(page_to_list|pmd|pud)|__split_huge_(pmd|pud)|deferred_split_(huge_page|folio)|__folio_unqueue_deferred_split|khugepaged_\w+|hugetlb_\w+|free_huge_(page|folio))$/,
  },
  {
    // The keys of the controllers are off (OFF_KEYS).
    what: 'control groups beside the root',
    functions:
      /^(__mem_cgroup_\w+|charge_memcg|try_charge_memcg|mem_cgroup_(charge_skmem|uncharge_skmem|handle_over_high|flush_foreign|oom_\w+|css_from_page)|obj_cgroup_\w+|wb_get_create|blkg_lookup_create|cgroup_writeback_(by_id|umount)|get_obj_cgroup_from_\w+|set_shrinker_bit|blkcg_(maybe_throttle_current|schedule_throttle|add_delay|css_free|css_offline|rstat_flush|reset_stats|punt_bio_submit))$/,
  },
  {
    // Modules map pages of their own; those of files nobody maps, so that nobody has to be found by them.
    what: 'pages of files that processes have mapped',
    functions: /^(__)?rmap_walk(_file|_anon|_locked)?$/,
  },
  {
    what: 'memory of devices',
    functions: /^(free_zone_device_page|__put_devmap_managed_page_refs|free_devmap_managed_page)$/,
  },
  {
    // Neither a program nor a module can make one.
    what: 'performance events that are counted',
    functions: /^(arch_perf_update_userpage|event_sched_(in|out))$/,
  },
  {
    what: 'notifiers of an address space',
    functions:
      /^__mmu_notifier_(release|clear_flush_young|clear_young|test_young|change_pte|invalidate_\w+|subscriptions_destroy)$/,
  },
  {
    // What looks for them finds that there are no policies.
    what: 'states of IPsec',
    functions:
      /^(__xfrm_state_\w+|xfrm_state_(find|check_expire|afinfo_get_rcu|look_at)|xfrm_resolve_and_create_bundle|xfrm_bundle_\w+|xfrm_(rcv_cb|timer_handler)|km_(state|policy|query)\w*)$/,
  },
  {
    // No key for it is loaded, and no policy: what asks finds neither.
    what: 'files that are measured or appraised',
    functions:
      /^(evm_(init_key|verify_hmac|calc_hmac|calc_hash|calc_hmac_or_hash|update_evmxattr)|integrity_digsig_verify|process_measurement|ima_(collect|store|appraise)_measurement)$/,
  },
  { what: 'files of control groups', functions: /^cgroup_(addrm_files|add_file)$/ },
  { what: 'keys of encrypted files', functions: /^fscrypt_(get_encryption_info|setup_encryption_info)$/ },
  {
    what: 'files that are sealed',
    functions: /^(ensure_verity_info|fsverity_(create_info|get_descriptor|verify_signature))$/,
  },
  {
    // Who attaches one asks over netlink, which nobody in user space does; programs of a route come in the same way.
    what: 'filters that send packets elsewhere',
    functions: /^skb_do_redirect$/,
  },
  { what: 'packets that other processors handle', functions: /^(get_rps_cpu|enqueue_to_backlog)$/ },
  { what: 'queues of TCP', functions: /^tcp_(wfree|tsq_\w+)$/ },
  {
    what: 'namespaces beside the first',
    functions:
      /^(proc_free_inum|free_(pid|ipc|uts|time|user|mnt|cgroup)_ns|put_(pid|mnt|ipc)_ns|destroy_pid_namespace)$/,
  },
  {
    what: 'keys that files are verified with',
    functions: /^asymmetric_verify$/,
  },
  { what: 'suspending', functions: /^(pm_system_irq_wakeup|pm_suspended_storage)$/ },
];

/** Keys of branches that are built as on, and off here: those of controllers of control groups, as cgroup_disable=memory,io has them. */
export const OFF_KEYS: readonly string[] = ['memory', 'io'].flatMap((controller) => [
  `${controller}_cgrp_subsys_enabled_key`,
  `${controller}_cgrp_subsys_on_dfl_key`,
]);

/** What of a kernel modbox's machine never has, and a function of the image is a way into; undefined for the others. */
export function beyondOf(name: string): string | undefined {
  const whole = wholeOf(name);
  return BEYOND.find(({ functions }) => functions.test(whole))?.what;
}
