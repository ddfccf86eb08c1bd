/** A callback due at a point of virtual time. */
export interface Alarm {
  /** Nanoseconds since boot. */
  readonly at: number;
  readonly fire: () => void;
  /** Order of arming: alarms due at the same time fire in this order. */
  readonly sequence: number;
  /** Heap position, -1 when not armed. */
  index: number;
}

/**
 * Virtual time: nanoseconds since boot. It moves with executed instructions and jumps to the next alarm when
 * the machine is idle. Alarms are a binary heap, ordered by time, then by the order of arming.
 */
export class Clock {
  private time = 0;
  private nextTick = 0;
  /** Told whenever a tick boundary is passed: to bring tick counters in guest memory up to date. */
  onTick: () => void = () => {};
  /** CLOCK_REALTIME at boot, in nanoseconds since 1970. */
  readonly bootTime: bigint;
  private readonly heap: Alarm[] = [];
  private sequence = 0;

  constructor(
    bootTime: bigint,
    /** Nanoseconds from one tick to the next. */
    private readonly tick: number,
  ) {
    this.bootTime = bootTime;
  }

  /** Nanoseconds since boot (CLOCK_MONOTONIC). */
  get now(): number {
    return this.time;
  }

  set now(value: number) {
    this.time = value;
    if (value < this.nextTick) return;
    this.nextTick = (Math.floor(value / this.tick) + 1) * this.tick;
    this.onTick();
  }

  /** Arms a callback for `at` (nanoseconds since boot); a time in the past fires at the next opportunity. */
  arm(at: number, fire: () => void): Alarm {
    const alarm: Alarm = { at, fire, sequence: this.sequence++, index: this.heap.length };
    this.heap.push(alarm);
    this.siftUp(alarm.index);
    return alarm;
  }

  /** Disarms; false if it had fired or was disarmed before. */
  cancel(alarm: Alarm): boolean {
    const at = alarm.index;
    if (at < 0) return false;
    this.removeAt(at);
    return true;
  }

  /** Time of the next alarm, or undefined with none armed. */
  get next(): number | undefined {
    return this.heap[0]?.at;
  }

  /** Takes the first alarm that is due, if any. */
  takeDue(): Alarm | undefined {
    const first = this.heap[0];
    if (!first || first.at > this.now) return undefined;
    this.removeAt(0);
    return first;
  }

  private removeAt(at: number): void {
    const removed = this.heap[at];
    const last = this.heap.pop();
    removed.index = -1;
    if (!last || last === removed) return;
    this.place(last, at);
    this.siftUp(at);
    this.siftDown(last.index);
  }

  private place(alarm: Alarm, at: number): void {
    this.heap[at] = alarm;
    alarm.index = at;
  }

  private siftUp(at: number): void {
    const alarm = this.heap[at];
    let child = at;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(alarm, this.heap[parent])) break;
      this.place(this.heap[parent], child);
      child = parent;
    }
    this.place(alarm, child);
  }

  private siftDown(at: number): void {
    const alarm = this.heap[at];
    let parent = at;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && before(this.heap[child + 1], this.heap[child])) child++;
      if (!before(this.heap[child], alarm)) break;
      this.place(this.heap[child], parent);
      parent = child;
    }
    this.place(alarm, parent);
  }
}

function before(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
