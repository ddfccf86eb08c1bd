import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { LinuxKernel } from '../kernel.js';

/** How a lock for readers and writers says who holds it: what inlined code of modules reads. */
export interface RwWord {
  /** Readers that hold it. */
  readers(lock: Ptr): number;
  hasWriter(lock: Ptr): boolean;
  /** The writer's task_struct, if there is a writer; 0 where that is not known. */
  writer(lock: Ptr): Ptr;
  /** Where no writer is. */
  setReaders(lock: Ptr, readers: number): void;
  setWriter(lock: Ptr, task: Ptr): void;
  /** The writer goes; so many readers have it then. */
  endWriter(lock: Ptr, readers: number): void;
  /** As new: nobody holds it. */
  init(lock: Ptr): void;
}

/** rw_semaphore.count: the writer's bit and what one reader adds (kernel/locking/rwsem.c). */
const WRITER_LOCKED = 1;
const READER_STEP = 0x100;
/** What the low bits of an owner say of it. */
const OWNER_FLAGS = 7n;

// structs: rw_semaphore.count.counter without PREEMPT_RT.
// structs: rw_semaphore.owner.counter without PREEMPT_RT.
// structs: rw_semaphore.wait_list without PREEMPT_RT.
/** struct rw_semaphore without PREEMPT_RT. */
export class CountedRw implements RwWord {
  constructor(
    private readonly k: LinuxKernel,
    private readonly type: StructType,
  ) {}

  readers(lock: Ptr): number {
    return Math.floor(this.type.get(lock, 'count.counter') / READER_STEP);
  }

  hasWriter(lock: Ptr): boolean {
    return (this.type.get(lock, 'count.counter') & WRITER_LOCKED) !== 0;
  }

  writer(lock: Ptr): Ptr {
    return this.k.space.fromAddress(this.type.getBig(lock, 'owner.counter') & ~OWNER_FLAGS);
  }

  setReaders(lock: Ptr, readers: number): void {
    this.type.set(lock, 'count.counter', readers * READER_STEP);
  }

  endWriter(lock: Ptr, readers: number): void {
    this.type.setBig(lock, 'owner.counter', 0n);
    this.setReaders(lock, readers);
  }

  setWriter(lock: Ptr, task: Ptr): void {
    this.type.set(lock, 'count.counter', WRITER_LOCKED);
    this.type.setBig(lock, 'owner.counter', this.k.space.toAddress(task));
  }

  init(lock: Ptr): void {
    this.k.space.writable(lock, this.type.size).fill(0);
    const head = this.type.addr(lock, 'wait_list');
    this.k.space.storePtr(head, head);
    this.k.space.storePtr(head + 8, head);
  }
}

/** rwbase_rt.readers: what is there while no writer is, and what a writer leaves (include/linux/rwbase_rt.h). */
const READER_BIAS = 0x8000_0000;
const WRITER_BIAS = 0x4000_0000;

/** struct rwbase_rt, which rwlock_t and struct rw_semaphore are with PREEMPT_RT. */
export class BiasedRw implements RwWord {
  constructor(
    private readonly k: LinuxKernel,
    private readonly type: StructType,
  ) {}

  /** Memory that is all zero was never initialised: nobody holds such a lock either. */
  readers(lock: Ptr): number {
    const word = this.type.get(lock, 'rwbase.readers.counter') >>> 0;
    return word >= READER_BIAS ? word - READER_BIAS : 0;
  }

  hasWriter(lock: Ptr): boolean {
    return this.type.get(lock, 'rwbase.readers.counter') === WRITER_BIAS;
  }

  writer(lock: Ptr): Ptr {
    return this.type.get(lock, 'rwbase.rtmutex.owner');
  }

  setReaders(lock: Ptr, readers: number): void {
    this.type.set(lock, 'rwbase.readers.counter', (READER_BIAS + readers) | 0);
  }

  endWriter(lock: Ptr, readers: number): void {
    this.type.set(lock, 'rwbase.rtmutex.owner', 0);
    this.setReaders(lock, readers);
  }

  setWriter(lock: Ptr, task: Ptr): void {
    this.type.set(lock, 'rwbase.rtmutex.owner', task);
    this.type.set(lock, 'rwbase.readers.counter', WRITER_BIAS);
  }

  init(lock: Ptr): void {
    this.k.space.writable(lock, this.type.size).fill(0);
    this.setReaders(lock, 0);
  }
}
