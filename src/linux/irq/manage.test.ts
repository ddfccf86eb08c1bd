import { beforeAll, describe, expect, it } from 'vitest';
import { EBUSY, EINVAL } from '../errno.js';
import { type Guest, guest } from '../testing/guest.js';
import { Interrupts } from './manage.js';

const IRQF_SHARED = 0x80;
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
    const text = g.k.get(Interrupts).text();
    expect(text).toMatch(/^ +CPU0/);
    expect(text).toMatch(/^ *LOC: +\d+ +Local timer interrupts$/m);
  });
});
