import { beforeAll, describe, expect, it } from 'vitest';
import { EBUSY, EINVAL } from '../errno.js';
import { type Guest, guest } from '../testing/guest.js';
import { interruptsText } from './proc.js';

const IRQF_SHARED = 0x80;
const IRQF_ONESHOT = 0x2000;
/** The timer's, in every PC. */
const TIMER = 0;

let g: Guest;
let handler: number;
let name: number;

beforeAll(() => {
  g = guest();
  handler = g.k.exports.hostFunction('test_handler', 'i:ip', () => 1);
  name = g.k.constantString('test');
});

const request = (irq: number, flags = 0, device = 0): number =>
  g.call.request_threaded_irq(irq, handler, 0, flags, name, device);

describe('an interrupt line', () => {
  it('of the kernel itself is busy, and one of nobody is no line', () => {
    expect(request(TIMER)).toBe(-EBUSY);
    expect(request(1000)).toBe(-EINVAL);
  });

  it('is not shared with somebody who gives no device', () => {
    expect(request(TIMER, IRQF_SHARED)).toBe(-EINVAL);
  });

  it('wants a handler, or a thread to do its work', () => {
    expect(g.call.request_threaded_irq(TIMER, 0, 0, 0, name, 0)).toBe(-EINVAL);
  });

  it('is shown with those of the machine in /proc/interrupts', () => {
    const text = interruptsText(g.k);
    expect(text).toMatch(/^ +CPU0/);
    expect(text).toMatch(/^ *LOC: +\d+ +Local timer interrupts$/m);
  });
});

/** Makes an interrupt of a chip that does nothing, as drivers of chips with interrupts behind one of their own do. */
function newInterrupt(): number {
  const irq = g.call.__irq_alloc_descs(-1, 0, 1, -1, 0, 0);
  g.call.irq_set_chip_and_handler_name(irq, g.k.symbol('dummy_irq_chip'), g.k.fn('handle_simple_irq'), 0);
  return irq;
}

const desc = (irq: number, member: string): number =>
  g.k.struct('irq_desc').get(g.call.irq_to_desc(irq), member);

describe('an interrupt of a driver’s own', () => {
  it('has a number behind the pins of the controller, and is none any more once it is freed', () => {
    const irq = newInterrupt();
    expect(irq).toBeGreaterThanOrEqual(24);
    expect(g.k.struct('irq_data').get(g.call.irq_get_irq_data(irq), 'irq')).toBe(irq);
    g.call.irq_free_descs(irq, 1);
    expect(g.call.irq_get_irq_data(irq)).toBe(0);
    expect(request(irq)).toBe(-EINVAL);
  });

  it('reaches its handlers, in the order in which they came, while it is on', () => {
    const irq = newInterrupt();
    const seen: number[] = [];
    const note = g.k.exports.hostFunction('test_note', 'i:ip', (_irq: number, device: number) => {
      seen.push(device);
      return 1;
    });
    const ask = (device: number): number =>
      g.call.request_threaded_irq(irq, note, 0, IRQF_SHARED, name, device);
    expect([ask(8), ask(16)]).toEqual([0, 0]);
    expect(g.call.irq_has_action(irq)).toBe(1);
    expect(g.call.generic_handle_irq(irq)).toBe(0);
    g.call.disable_irq(irq);
    g.call.disable_irq(irq);
    g.call.enable_irq(irq);
    g.call.generic_handle_irq(irq);
    expect(seen).toEqual([8, 16]);
    // It came while it was off: it comes again.
    g.call.enable_irq(irq);
    g.sleep(1e6);
    expect(seen).toEqual([8, 16, 8, 16]);
    expect(g.k.space.cstring(g.call.free_irq(irq, 8))).toBe('test');
    g.call.free_irq(irq, 16);
    g.call.generic_handle_irq(irq);
    expect(seen).toHaveLength(4);
    expect([desc(irq, 'depth'), desc(irq, 'nr_actions')]).toEqual([1, 0]);
  });

  it('has a thread where the handler leaves work to one, which ends with the handler', () => {
    const irq = newInterrupt();
    let done = 0;
    const work = g.k.exports.hostFunction('test_work', 'i:ip', () => {
      done++;
      return 1;
    });
    const text = g.k.constantString('worker');
    expect(g.call.request_threaded_irq(irq, 0, work, 0, text, 8)).toBe(-EINVAL);
    expect(g.call.request_threaded_irq(irq, 0, work, IRQF_ONESHOT, text, 8)).toBe(0);
    g.call.generic_handle_irq(irq);
    g.sleep(1e6);
    expect(done).toBe(1);
    const named = (): number =>
      [...g.k.scheduler.tasks].filter((task) => task.name === `irq/${irq}-worker`).length;
    expect(named()).toBe(1);
    g.call.free_irq(irq, 8);
    expect(named()).toBe(0);
  });

  it('is told of what nobody had asked for', () => {
    const irq = newInterrupt();
    g.reports();
    g.call.free_irq(irq, 8);
    request(irq, 0, 8);
    g.call.enable_irq(irq);
    g.call.irq_set_irq_wake(irq, 0);
    expect(g.reports().map(({ message }) => message)).toEqual([
      `Trying to free already-free IRQ ${irq}`,
      `Unbalanced enable for IRQ ${irq}`,
      `Unbalanced IRQ ${irq} wake disable`,
    ]);
    g.call.free_irq(irq, 8);
  });

  it('counts who wants to be woken by it', () => {
    const irq = newInterrupt();
    expect([g.call.irq_set_irq_wake(irq, 1), g.call.irq_set_irq_wake(irq, 1)]).toEqual([0, 0]);
    expect(desc(irq, 'wake_depth')).toBe(2);
    g.call.irq_set_irq_wake(irq, 0);
    g.call.irq_set_irq_wake(irq, 0);
    expect(desc(irq, 'wake_depth')).toBe(0);
    expect(g.call.irq_set_irq_wake(1000, 1)).toBe(-EINVAL);
  });

  it('keeps the hint of where it should go, and a map of CPUs to queues that goes with it', () => {
    const irq = newInterrupt();
    const mask = g.k.permanent(8);
    g.k.space.store8(mask, 1);
    expect(g.call.__irq_apply_affinity_hint(irq, mask, 1)).toBe(0);
    expect(desc(irq, 'affinity_hint')).toBe(mask);
    const { mark } = g.k.ledger;
    const map = g.call.alloc_cpu_rmap(2, 0);
    expect(g.call.irq_cpu_rmap_add(map, irq)).toBe(0);
    expect(desc(irq, 'affinity_notify')).not.toBe(0);
    g.call.free_irq_cpu_rmap(map);
    expect(desc(irq, 'affinity_notify')).toBe(0);
    expect(g.k.ledger.since(mark)).toEqual([]);
  });
});
