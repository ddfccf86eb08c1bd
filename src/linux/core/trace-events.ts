import { nothing } from '../../kernel/abi/fidelity.js';
import type { Subsystem } from '../subsystem.js';

const OFF = 'trace events cannot be turned on';

/** What modules' trace events call when they happen (kernel/trace/trace_events.c, trace_event_perf.c). */
export class TraceEvents implements Subsystem {
  readonly exports = {
    trace_event_raw_init: nothing(OFF, 0),
    trace_event_reg: nothing(OFF, 0),
    trace_event_buffer_reserve: nothing(OFF, 0),
    trace_event_buffer_commit: nothing(OFF, undefined),
    tracing_record_cmdline: nothing(OFF, undefined),
    trace_buffer_lock_reserve: nothing(OFF, 0),
    trace_buffer_unlock_commit_regs: nothing(OFF, undefined),
    __trace_array_vprintk: nothing(OFF, 0),
    __trace_array_puts: nothing(OFF, 0),
    trace_event_printf: nothing(OFF, undefined),
    __trace_trigger_soft_disabled: nothing(OFF, true),
    perf_trace_buf_alloc: nothing(OFF, 0),
    perf_trace_run_bpf_submit: nothing(OFF, undefined),
    __mmap_lock_do_trace_start_locking: nothing(OFF, undefined),
    __mmap_lock_do_trace_acquire_returned: nothing(OFF, undefined),
    __mmap_lock_do_trace_released: nothing(OFF, undefined),
  };
}
