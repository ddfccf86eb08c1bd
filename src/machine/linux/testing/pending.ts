const HUNG_TASK = 'the hung task detector words it otherwise, or modbox sees the deadlock at once';
const LICENSE_NUL = 'on purpose: a licence with a NUL in it does not pass for GPL, and the log says why';
const OOPS_PREFIX = 'the word "Oops: " that 6.12 puts before what happened: no fact of a target tells of it';
const SCHEDULING = 'what "scheduling while atomic" leaves of the preempt count, and its numbers';

/**
 * Recorded scenarios in which modbox differs from the real kernel, each with what is missing or why it is to
 * stay so. A scenario that agrees has to be taken off.
 */
export const PENDING: Readonly<Record<string, string>> = {
  faulty_abba_deadlock: HUNG_TASK,
  faulty_endless_wait: HUNG_TASK,
  faulty_mutex_deadlock: HUNG_TASK,
  faulty_spin_deadlock:
    'on purpose: modbox names the recursion at once, the real kernel spins to a soft lockup',
  faulty_free_static: 'on purpose: modbox names the bad kfree, the real kernel stumbles over a missing page',
  faulty_leak_cache: 'on purpose: modbox does not list the slab by its flags and addresses',
  faulty_uaf_read: 'on purpose: freed memory is poisoned, so what is read from it differs',
  faulty_sleep_in_timer: SCHEDULING,
  faulty_stack_overflow: 'how many frames of the overflown stack are shown',
  faulty_timer_left: 'on purpose: modbox takes out and reports what the module left armed, and goes on',
  faulty_work_left: 'on purpose: modbox takes out and reports what the module left queued, and goes on',
  faulty_notifier_left: 'on purpose: modbox takes out and reports the notifier, and goes on',
  hello: 'arguments with spaces: kmod 30 does not quote them, kmod 34 does',
  libuser_mem: 'vmap',
  libuser_printf: 'filp_open, and some conversions',
  lockuser: 'percpu_rwsem lets a reader in beside a writer',
  sysfsattrs: 'memory_read_from_buffer of binary attributes',
  timeuser: 'rtc_time64_to_tm',
  usercopy: 'vm_munmap of part of a mapping',
  '6.12/faulty_bug': OOPS_PREFIX,
  '6.12/faulty_null_read': OOPS_PREFIX,
  '6.12/trust_license_nul': LICENSE_NUL,
  trust_license_nul: LICENSE_NUL,
  trust_small_struct: 'on purpose: a struct module that is too small is refused, not written beyond',
};
