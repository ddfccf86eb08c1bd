import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL, ENXIO } from '../../errno.js';
import { type Guest, guest } from '../../testing/guest.js';
import { Devres } from '../base/devres.js';

const MEM = 0x200;
const IO = 0x100;
const IRQ = 0x400;
const LEVEL_HIGH = 4;

let g: Guest;
let pdev: Ptr;
let seen: number;

const log = (): string[] => [...g.k.log.linesFrom(seen)].filter((line) => line !== '');
const start = (resource: Ptr): number => (resource === 0 ? 0 : g.k.struct('resource').get(resource, 'start'));
const device = (): Ptr => g.k.struct('platform_device').addr(pdev, 'dev');
/** An ERR_PTR as a number. */
const errorOf = (ptr: number): number => Number(BigInt.asIntN(64, g.k.space.toAddress(ptr)));

beforeAll(() => {
  g = guest();
});

beforeEach(() => {
  const type = g.k.struct('resource');
  const list = g.k.permanent(4 * type.size);
  const entries = [
    { start: 0x9000_0000, end: 0x9000_00ff, flags: MEM, name: 'registers' },
    { start: 0x300, end: 0x307, flags: IO, name: 'ports' },
    { start: 5, end: 5, flags: IRQ | LEVEL_HIGH, name: 'alert' },
    { start: 0x9100_0000, end: 0x9100_0fff, flags: MEM, name: 'buffer' },
  ];
  entries.forEach((entry, i) => {
    const at = list + i * type.size;
    type.set(at, 'start', entry.start);
    type.set(at, 'end', entry.end);
    type.set(at, 'flags', entry.flags);
    type.set(at, 'name', g.k.constantString(entry.name));
  });
  pdev = g.struct.platform_device({ resource: list, num_resources: 4 });
  g.k.struct('device').set(device(), 'init_name', g.k.constantString('chip.0'));
  seen = g.k.log.next;
  g.reports();
});

describe('the resources of a platform device', () => {
  it('are found by their kind and number, and by their names', () => {
    const get = (kind: number, index: number): number =>
      start(g.call.platform_get_resource(pdev, kind, index));
    expect([get(MEM, 0), get(MEM, 1), get(MEM, 2), get(IO, 0)]).toEqual([0x9000_0000, 0x9100_0000, 0, 0x300]);
    expect(start(g.call.platform_get_mem_or_io(pdev, 1))).toBe(0x300);
    const named = g.call.platform_get_resource_byname(pdev, MEM, g.k.constantString('buffer'));
    expect(start(named)).toBe(0x9100_0000);
  });

  it('are interrupts with the triggers that they have', () => {
    expect([g.call.platform_get_irq(pdev, 0), g.call.platform_irq_count(pdev)]).toEqual([5, 1]);
    const state = g.k.struct('irq_desc').get(g.call.irq_to_desc(5), 'irq_common_data.state_use_accessors');
    expect(state & 0xf).toBe(LEVEL_HIGH);
    expect(g.call.platform_get_irq_byname(pdev, g.k.constantString('alert'))).toBe(5);
    expect(g.call.platform_get_irq_optional(pdev, 1)).toBe(-ENXIO);
    expect(log()).toEqual([]);
    expect(g.call.platform_get_irq(pdev, 1)).toBe(-ENXIO);
    expect(log().at(-1)).toMatch(/chip\.0: error -ENXIO: IRQ index 1 not found$/);
  });

  it('are mapped for one driver alone, until it goes', () => {
    const { mark } = g.k.ledger;
    const slot = g.k.permanent(8);
    const address = g.call.devm_platform_get_and_ioremap_resource(pdev, 0, slot);
    expect(start(g.k.space.loadPtr(slot))).toBe(0x9000_0000);
    expect(g.k.space.load32(address)).toBe(0xffff_ffff);
    expect(errorOf(g.call.devm_platform_ioremap_resource(pdev, 0))).toBe(-EBUSY);
    expect(log().at(-1)).toMatch(/can't request region for resource \[mem 0x90000000-0x900000ff\]$/);
    expect(errorOf(g.call.devm_platform_ioremap_resource(pdev, 7))).toBe(-EINVAL);
    expect(log().at(-1)).toMatch(/invalid resource \(null\)$/);
    g.run(() => g.k.get(Devres).releaseAll(device()));
    expect(g.k.ledger.since(mark)).toEqual([]);
    expect(g.reports()).toEqual([]);
  });

  it('can be mapped and unmapped by hand', () => {
    const { mark } = g.k.ledger;
    const address = g.call.devm_ioremap(device(), 0x9200_0000, 0x100);
    g.call.devm_iounmap(device(), address);
    expect(g.k.ledger.since(mark)).toEqual([]);
  });
});
