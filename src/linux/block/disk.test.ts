import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { Sysfs } from '../kobject/sysfs/sysfs.js';
import { type Guest, guest } from '../testing/guest.js';

let g: Guest;
let made = 0;
let noOperations: Ptr;

beforeAll(() => {
  g = guest();
  noOperations = g.struct.block_device_operations();
  // The class and /sys/devices/virtual come with the first disk, and stay.
  g.call.put_disk(newDisk('first'));
});

/** A disk that is not in the system yet. */
function newDisk(name: string, members: Readonly<Record<string, number>> = {}): Ptr {
  const { k } = g;
  const disk = g.call.__blk_alloc_disk(-1, 0);
  const type = k.struct('gendisk');
  type.setText(disk, 'disk_name', name);
  type.set(disk, 'fops', noOperations);
  for (const [member, value] of Object.entries(members)) type.set(disk, member, value);
  return disk;
}

const exists = (path: string): boolean => g.k.get(Sysfs).root.find(path) !== undefined;
const folder = (name: string): string => `devices/virtual/block/${name}`;

function added(members: Readonly<Record<string, number>> = {}): {
  readonly disk: Ptr;
  readonly name: string;
} {
  const name = `test${made++}`;
  const disk = newDisk(name, members);
  expect(g.call.device_add_disk(0, disk, 0)).toBe(0);
  return { disk, name };
}

describe('a disk', () => {
  it('is in sysfs with its queue and who holds it, until it is deleted', () => {
    const { disk, name } = added();
    const inside = ['queue', 'holders', 'slaves'].map((child) => `${folder(name)}/${child}`);
    for (const path of [`block/${name}`, `class/block/${name}`, folder(name), ...inside])
      expect({ path, exists: exists(path) }).toEqual({ path, exists: true });
    g.call.del_gendisk(disk);
    for (const path of [`block/${name}`, `class/block/${name}`, folder(name)])
      expect({ path, exists: exists(path) }).toEqual({ path, exists: false });
    g.call.put_disk(disk);
    expect(g.reports()).toEqual([]);
  });

  it('gives everything back that was made for it', () => {
    const { bytes } = g.k.ledger;
    const { disk } = added();
    g.call.set_capacity(disk, 2048);
    g.call.del_gendisk(disk);
    g.call.put_disk(disk);
    expect(g.k.ledger.bytes).toBe(bytes);
  });

  it('tells its driver when the last reference goes, if it was ever added', () => {
    const { k } = g;
    const gone: Ptr[] = [];
    const fops = g.struct.block_device_operations();
    k.struct('block_device_operations').bind(fops, 'free_disk', 'test_free_disk', (disk: Ptr) => {
      gone.push(disk);
    });
    g.call.put_disk(newDisk('never', { fops }));
    expect(gone).toEqual([]);
    const { disk } = added({ fops });
    g.call.del_gendisk(disk);
    expect(gone).toEqual([]);
    g.call.put_disk(disk);
    expect(gone).toEqual([disk]);
  });

  it('without numbers of its own gets extended ones, the lowest that are free', () => {
    const type = g.k.struct('gendisk');
    const minor = (disk: Ptr): number => type.get(disk, 'first_minor');
    const drop = (disk: Ptr): void => {
      g.call.del_gendisk(disk);
      g.call.put_disk(disk);
    };
    g.sleep(1e9);
    const [first, second] = [added().disk, added().disk];
    expect([first, second].map((disk) => [type.get(disk, 'major'), minor(disk)])).toEqual([
      [259, 0],
      [259, 1],
    ]);
    drop(first);
    // Somebody may still be reading what had the number.
    const third = added().disk;
    expect(minor(third)).toBe(2);
    g.sleep(1e9);
    const fourth = added().disk;
    expect(minor(fourth)).toBe(0);
    for (const disk of [second, third, fourth]) drop(disk);
  });

  it('says that its size has changed, while it is there', () => {
    const { disk, name } = added();
    expect(g.call.set_capacity_and_notify(disk, 2048)).toBe(0);
    expect(g.k.log.linesFrom(0).at(-1)).toBe(`${name}: detected capacity change from 0 to 2048`);
    expect(g.call.set_capacity_and_notify(disk, 4096)).toBe(1);
    expect(g.call.set_capacity_and_notify(disk, 4096)).toBe(0);
    g.call.del_gendisk(disk);
    expect(g.call.set_capacity_and_notify(disk, 8192)).toBe(0);
    g.call.put_disk(disk);
  });
});
