import type { FaultKind } from '../../linux/errors.js';

/** What a faulty module is found out by. */
export interface Expectation {
  readonly kind: FaultKind;
  /** What happens to the module, after which the fault is there; by default it is loaded. */
  readonly steps?: readonly string[];
  /** The function that the trace must contain; by default any of the module's. */
  readonly trace?: string;
  /** The fault is noticed when the module's code is no longer running: nothing of it is in the trace. */
  readonly later?: true;
}

const removed = (name: string): string[] => [
  `insmod /mods/faulty_${name}.ko`,
  'sleep 1',
  `rmmod faulty_${name}`,
];
const written = (name: string): string[] => [
  `insmod /mods/faulty_${name}.ko on_write=1`,
  'echo go > /dev/modboxfault',
];

/** Modules whose fault is reported, by name without `faulty_`. */
export const DETECTED: Readonly<Record<string, Expectation>> = {
  abba_deadlock: {
    kind: 'deadlock',
    steps: ['insmod /mods/faulty_abba_deadlock.ko', 'sleep 8'],
    trace: 'second_main',
  },
  bug: { kind: 'bug' },
  call_null: { kind: 'null-dereference' },
  div_zero: { kind: 'divide-error', trace: 'quotient' },
  double_free: { kind: 'double-free' },
  endless_loop: { kind: 'soft-lockup' },
  endless_wait: { kind: 'deadlock' },
  exec_data: { kind: 'execute-fault' },
  exec_user: { kind: 'execute-fault' },
  exit_null: { kind: 'null-dereference', steps: removed('exit_null'), trace: 'faulty_exit' },
  fortify: { kind: 'out-of-bounds' },
  free_middle: { kind: 'bad-free' },
  free_static: { kind: 'bad-free' },
  init_returns_positive: { kind: 'warning' },
  irqs_off: { kind: 'preempt-imbalance', later: true },
  kthread_left: { kind: 'left-behind', steps: removed('kthread_left'), later: true },
  leak_cache: { kind: 'warning' },
  list_add: { kind: 'list-corruption' },
  list_del: { kind: 'list-corruption' },
  misc_left: { kind: 'left-behind', steps: removed('misc_left'), later: true },
  module_put: { kind: 'refcount', later: true },
  mutex_deadlock: { kind: 'deadlock' },
  mutex_unlock: { kind: 'lock-misuse' },
  noncanonical: { kind: 'general-protection' },
  notifier_left: { kind: 'left-behind', steps: removed('notifier_left'), later: true },
  null_read: { kind: 'null-dereference', trace: 'number_of' },
  null_write: { kind: 'null-dereference', trace: 'store' },
  panic: { kind: 'panic' },
  preempt_count: { kind: 'preempt-imbalance', later: true },
  proc_left: { kind: 'left-behind', steps: removed('proc_left'), later: true },
  refcount: { kind: 'refcount' },
  rodata_write: { kind: 'write-protected' },
  slab_overflow: { kind: 'out-of-bounds' },
  slab_overread: { kind: 'out-of-bounds', trace: 'fault' },
  slab_underflow: { kind: 'out-of-bounds' },
  sleep_in_atomic: { kind: 'sleep-in-atomic' },
  sleep_in_timer: { kind: 'sleep-in-atomic', trace: 'timer_run' },
  spin_deadlock: { kind: 'deadlock' },
  spin_left_locked: { kind: 'preempt-imbalance', later: true },
  stack_overflow: { kind: 'stack-overflow', trace: 'deeper' },
  stack_smash: { kind: 'stack-corruption', trace: 'victim' },
  sysfs_left: { kind: 'left-behind', steps: removed('sysfs_left'), later: true },
  text_write: { kind: 'write-protected' },
  timer_left: { kind: 'left-behind', steps: removed('timer_left'), later: true },
  uaf_write: { kind: 'use-after-free', steps: removed('uaf_write') },
  uaf_read: { kind: 'use-after-free', trace: 'fault' },
  ud2: { kind: 'invalid-opcode' },
  use_of_init: { kind: 'execute-fault', steps: written('use_of_init') },
  vmalloc_overflow: { kind: 'page-fault' },
  warn: { kind: 'warning' },
  user_read: { kind: 'page-fault' },
  warn_once: { kind: 'warning' },
  wild_jump: { kind: 'execute-fault' },
  wild_read: { kind: 'page-fault' },
  work_left: { kind: 'left-behind', steps: removed('work_left'), later: true },
};

/** The same faults in a write to the module's device: the module is live then. */
export const DETECTED_ON_WRITE: Readonly<Record<string, FaultKind>> = {
  bug: 'bug',
  null_read: 'null-dereference',
  preempt_count: 'sleep-in-atomic',
  rodata_write: 'write-protected',
  sleep_in_atomic: 'sleep-in-atomic',
  wild_jump: 'execute-fault',
};

/** Memory that is never given back: kind, bytes and allocating function of the leak's entries. */
export const LEAKS: Readonly<Record<string, readonly (readonly [string, number, string])[]>> = {
  leak_kmalloc: [
    ['slab', 5000, 'faulty_init'],
    ['slab', 64, 'faulty_init'],
  ],
  leak_pages: [['pages', 16384, 'faulty_init']],
  leak_vmalloc: [['vmalloc', 40960, 'faulty_init']],
};

/** Modules that cannot be removed any more: what rmmod says. */
export const STUCK: Readonly<Record<string, RegExp>> = {
  keeps_reference: /Module faulty_keeps_reference is in use/,
  no_exit: /could not remove 'faulty_no_exit': Device or resource busy/,
};
