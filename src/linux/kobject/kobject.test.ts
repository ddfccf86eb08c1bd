import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { runNow } from '../../kernel/effects.js';
import { loadBundled } from '../../target/node/index.js';
import { EEXIST } from '../errno.js';
import { LinuxKernel } from '../kernel.js';
import { Kobjects } from './kobject.js';
import { krefRead } from './kref.js';
import { Sysfs } from './sysfs/sysfs.js';
import { Uevents } from './uevent.js';

let k: LinuxKernel;
let kobjects: Kobjects;
let sysfs: Sysfs;

beforeEach(() => {
  k = new LinuxKernel(loadBundled());
  kobjects = k.get(Kobjects);
  sysfs = k.get(Sysfs);
});

const create = (name: string, parent: Ptr = 0): Ptr => runNow(kobjects.createAndAdd(name, parent));
const references = (kobj: Ptr): number => krefRead(k, k.struct('kobject').addr(kobj, 'kref'));

describe('kobjects', () => {
  it('are directories below their parents', () => {
    const outer = create('outer');
    const inner = create('inner', outer);
    expect(sysfs.directoryOf(inner)?.path).toBe('/outer/inner');
    expect(kobjects.path(inner)).toBe('/outer/inner');
    expect(references(outer)).toBe(2);
  });

  it('free all they had with the last reference', () => {
    const before = k.ledger.bytes;
    const outer = create('outer');
    const inner = create('inner', outer);
    runNow(kobjects.put(outer));
    expect(sysfs.directoryOf(outer)).toBeDefined();
    runNow(kobjects.put(inner));
    expect(sysfs.root.children.has('outer')).toBe(false);
    expect(k.ledger.bytes).toBe(before);
  });

  it('refuse a second one of the same name, in the words of the kernel', () => {
    create('twin');
    const mark = k.log.next;
    expect(create('twin')).toBe(0);
    expect(k.log.linesFrom(mark).filter((line) => line !== '')).toContain(
      "sysfs: cannot create duplicate filename '/twin'",
    );
    expect(k.log.linesFrom(mark).at(-2)).toMatch(/^kobject_add_internal failed for twin with -EEXIST/);
    expect(EEXIST).toBe(17);
  });

  it('are found in their kset and report themselves to user space', () => {
    const events: string[] = [];
    k.get(Uevents).listen((event) => events.push(`${event.action} ${event.devpath} ${event.subsystem}`));
    const kset = runNow(kobjects.createKset('things', 0, 0));
    const kobj = k.slab.allocateBytes(k.sizeOf('kobject'), true);
    k.struct('kobject').set(kobj, 'kset', kset);
    const ktype = k.struct('kobject').get(create('model'), 'ktype');
    expect(runNow(kobjects.initAndAdd(kobj, ktype, 0, 'one'))).toBe(0);
    expect(runNow(k.get(Uevents).send(kobj, 'add'))).toBe(0);
    expect(kobjects.find(kset, 'one')).toBe(kobj);
    runNow(kobjects.put(kobj));
    runNow(kobjects.put(kobj));
    expect(events).toEqual(['add /things/one things', 'remove /things/one things']);
    expect(kobjects.find(kset, 'one')).toBe(0);
  });

  it('can be renamed', () => {
    const outer = create('outer');
    const inner = create('before', outer);
    expect(runNow(kobjects.rename(inner, 'after'))).toBe(0);
    expect(sysfs.directoryOf(inner)?.path).toBe('/outer/after');
  });
});

describe('sysfs', () => {
  it('reads and writes the attributes of the base kernel', () => {
    const directory = sysfs.directoryOf(create('box'))!;
    let value = 'one\n';
    const file = sysfs.addText(
      directory,
      'value',
      0o644,
      () => value,
      (text) => {
        value = text;
        return 0;
      },
    );
    expect(new TextDecoder().decode(runNow(sysfs.read(file)) as Uint8Array)).toBe('one\n');
    expect(runNow(sysfs.write(file, new TextEncoder().encode('two\n')))).toBe(4);
    expect(value).toBe('two\n');
  });

  it('makes relative links', () => {
    const a = sysfs.directoryOf(create('a'))!;
    const b = sysfs.directoryOf(create('c', create('b')))!;
    expect(sysfs.addLink(a, b, 'link')).toBe(0);
    const link = a.children.get('link');
    expect(link?.kind === 'link' && link.text).toBe('../b/c');
  });
});
