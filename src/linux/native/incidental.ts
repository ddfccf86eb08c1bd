import { PAGE_SIZE } from '../../cpu/layout.js';
import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import type { ImageGraph } from './image-graph.js';
import { PLACE } from './places.js';

/**
 * Variables that say nothing of a subsystem's state: keys and classes of locks, what was warned of, limits of messages, debug
 * messages that can be turned on, tracepoints and their SRCU, keys of branches and of static calls, the address that a hash table without buckets
 * gives (`rhnull`), what counts messages (lib/iomap.c's `count`).
 */
const INCIDENTAL =
  /^(__key|__already_done|__warned|_rs|__print_once|descriptor|tracepoint_srcu|__UNIQUE_ID_\w*|once|___once_key|__func__|__tracepoint_\w+|__SCK__\w+|__bpf_trace_\w+|event_\w+|rhnull|count)(\.\d+)*$|_key(\.\d+)?$/;

/**
 * Counters that nothing goes by but who reads statistics (/proc/vmstat, /proc/sys/fs, oops and warning counts), or a watchdog; who waits for
 * nodes of the driver core's lists, which TypeScript does not have.
 */
const STATISTICS =
  /^(watchdog_(nmi_touch|touch_ts|report_ts)|klist_remove_waiters|mthp_stats|vm_(event_states|zone_stat|node_stat|numa_event)|nr_(files|inodes|unused|dentry|dentry_unused|dentry_negative)|proto_inuse_idx|warn_count|nr_vfs\w*)$/;

/**
 * Variables that hold what is true of the machine without anybody setting them: of its one CPU and its one node; that it is
 * neither suspended nor panics; that no other kernel waits to be started and FIPS 140 is not asked for.
 */
const TRUE_AS_ZERO = new Set([
  'cpu_number',
  'numa_node',
  'cpu_llc_id',
  'cpu_l2c_id',
  'cpu_die_id',
  'sd_llc_id',
  'kexec_crash_image',
  'fips_enabled',
  'rps_cpu_mask',
  'timekeeping_suspended',
  'suppress_printk',
  'oops_in_progress',
  's2idle_ops',
  'page_group_by_mobility_disabled',
]);

/** As the kernel calls its locks. */
const LOCK_NAME = /(^|_)(spin|rw)?(lock|mutex|mtx|sem|rwsem)(\.\d+)?$/;

/** Functions whose callers hold a lock from then on, or ask whether it is held. */
const LOCKS_FOR_OTHERS = /(?<![cb])lock(?!ed)|mutex|_(begin|end|enter|exit|held|start|stop|next)$/;

/** The largest lock that is not per CPU (struct mutex or rw_semaphore, with what fills the cache line). */
const LARGEST_LOCK = 64;
/** The largest that may sleep and begins as zeros: others are made by code, and are to be asked for as other variables are. */
const LARGEST_ZERO_SLEEPING_LOCK = 8;
const SLEEPING_LOCK = /(mutex|mtx|sem|rwsem)(\.\d+)?$/;

/**
 * Variables of an image that keep nothing. A lock is one of them: TypeScript does what a kernel does under the lock in one piece, so
 * that native code, which takes it, finds nobody half-way. Unless functions that TypeScript has take it on behalf of their callers:
 * these would hold something else.
 */
export class Incidental {
  constructor(
    private readonly graph: ImageGraph,
    private readonly image: KernelImage,
    /** The name of the function that TypeScript has and whose native body, or a part of it, is at a place. */
    private readonly bodyOf: (place: number) => string | undefined,
    private readonly isRt = false,
  ) {}

  has(place: number): boolean {
    const name = this.graph.nameOf(place);
    return (
      TRUE_AS_ZERO.has(name) ||
      INCIDENTAL.test(name) ||
      STATISTICS.test(name) ||
      this.isPrivateLock(place, name) ||
      this.isProcessors(place)
    );
  }

  /**
   * Whole pages per CPU are what the processor itself looks at: stacks, descriptor tables, debug store. Others only seem to refer to
   * them, with a number that is as large as their offset.
   */
  private isProcessors(place: number): boolean {
    const { graph } = this;
    return graph.kinds[place] === PLACE.perCpu && graph.addressOf(place) % PAGE_SIZE === 0;
  }

  private isPrivateLock(place: number, name: string): boolean {
    const { graph } = this;
    if (!LOCK_NAME.test(name) || graph.kinds[place] === PLACE.perCpu) return false;
    const address = graph.addressOf(place);
    const size = graph.endOf(place) - address;
    const zero = sectionAt(this.image.sections, address)?.zero ?? true;
    // With PREEMPT_RT one that sleeps is zeros while nobody has it, with its waiters.
    const asked = zero && !this.isRt && SLEEPING_LOCK.test(name);
    const most = asked ? LARGEST_ZERO_SLEEPING_LOCK : LARGEST_LOCK;
    if (size > most) return false;
    return !graph.referrersOf(place).some((at) => LOCKS_FOR_OTHERS.test(this.bodyOf(at) ?? ''));
  }
}
