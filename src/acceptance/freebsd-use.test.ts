import { describe, expect, it } from 'vitest';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { machineWithKlds, type Outcome, outcomeOf, sysctlOn } from './testing/klds.js';

const said = (name: string, ...texts: readonly string[]): readonly string[] =>
  texts.map((text) => `${name}: ${text}`);

/** Modules that use a part of the kernel by themselves, and what they log. */
const USES: Readonly<Record<string, Outcome>> = {
  callouts: {
    log: said('callouts', 'stopped 1', 'pending 1 0', 'fine', 'again 1', 'again 2', 'once', 'again 3'),
  },
  taskqueues: {
    log: said('taskqueues', 'canceled 1', 'high, 1', 'low, 2', 'common, 1', 'drained', 'late, 1'),
  },
  eventhandlers: {
    log: said('eventhandlers', 'first 1', 'last 1', 'eventhandlers.ko comes'),
    logAfter: said('eventhandlers', 'last 2'),
  },
  counters: { log: said('counters', '55', 'inside 1', 'item 1 freed') },
  zones: {
    log: said('zones', '1 2 3, aligned 1, in use 3, constructed 3'),
    logAfter: said('zones', '0 constructed, 0 initialized'),
  },
  softintr: { log: said('softintr', 'ran 1, waited long') },
  dpcpuvar: { log: said('dpcpuvar', '1 more than one each', 'summed') },
  vnetvar: { log: said('vnetvar', 'a stack comes: 8 0'), logAfter: said('vnetvar', 'a stack goes: 8') },
  mbkobj: { log: said('mbkobj', 'mbkobj_base, base 7, 42', 'mbkobj_derived, base 7, 43') },
};

describe('what a kld uses', () => {
  it.each(Object.entries(USES))('%s', (name, outcome) => {
    expect(outcomeOf(name)).toEqual(outcome);
  });

  it('is printf(9), sbuf(9) and libkern', () => {
    expect(outcomeOf('strings').log?.slice(0, 9)).toEqual(
      said(
        'strings',
        '   42|42   |0beef|010|+7|-1|9|0x1234',
        '13<ONE,TWO,FIVE>',
        '02:6d:62:78:00:01|abc|x|%',
        'a text 1234abcd, 15',
        '-16 63 123456789012',
        "rest 'z', 0",
        '-3,0,5,9, sorted, 16',
        '5 13 42',
        'logged 4',
      ),
    );
  });

  it('is threads of its own, which get work and are waited for', () => {
    const machine = machineWithKlds(['threads']);
    machine.kldload('threads');
    expect(sysctlOn(machine, 'debug.threads=5')).toBe('debug.threads: 0 -> 0');
    machine.sleep(1e9);
    expect(sysctlOn(machine, '-n', 'debug.threads')).toBe('5');
    machine.kldunload('threads');
    expect(machine.log.since(0).at(-1)?.text).toBe('threads: 5 done');
    expect(machine.faults()).toEqual([]);
  });
});

describe('sysctls of a kld', () => {
  const environment = new Map([
    ['debug.modbox_tunable', '7'],
    ['debug.modbox_number', '12'],
    ['debug.modbox_size', '2k'],
    ['debug.modbox_text', 'given'],
    ['debug.modbox.an_int', '33'],
  ]);

  it('have the values of tunables, are read and written by their types, and go with it', () => {
    const machine = machineWithKlds(['sysctls'], { environment });
    machine.kldload('sysctls');
    expect(machine.log.since(0).at(-1)?.text).toBe('sysctls: 7 12 2048 given');
    expect(sysctlOn(machine, 'debug.modbox.an_int')).toBe('debug.modbox.an_int: 33');
    expect(sysctlOn(machine, 'debug.modbox.an_u8=7')).toBe('debug.modbox.an_u8: 200 -> 7');
    expect(sysctlOn(machine, '-n', 'debug.modbox.a_long')).toBe('-9223372036854775808');
    expect(sysctlOn(machine, 'debug.modbox.inner.checked=50')).toBe('debug.modbox.inner.checked: 10 -> 50');
    expect(sysctlOn(machine, 'debug.modbox.inner.checked=500')).toMatch(/Invalid argument$/);
    expect(sysctlOn(machine, '-n', 'debug.modbox.inner.text')).toBe('line 0\nline 1\nline 2');
    expect(sysctlOn(machine, 'debug.modbox.dynamic.value')).toBe('debug.modbox.dynamic.value: 3');
    machine.kldunload('sysctls');
    expect(sysctlOn(machine, 'debug.modbox.an_int')).toBe("sysctl: unknown oid 'debug.modbox.an_int'");
    expect(machine.faults()).toEqual([]);
  });
});

describe('devices of a kld', () => {
  const _IO = (number: number): number => 0x2000_0000 | (0x4d << 8) | number;
  const request = (direction: number, size: number, number: number): number =>
    (direction | (size << 16) | (0x4d << 8) | number) >>> 0;
  const SET = request(0x8000_0000, 4, 1);
  const GET = request(0x4000_0000, 4, 2);
  const SUM = request(0xc000_0000, 16, 3);
  const INT = request(0x2000_0000, 4, 7);

  const loaded = (name: string): FreebsdMachine => {
    const machine = machineWithKlds([name]);
    machine.kldload(name);
    return machine;
  };

  const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

  it('have requests that carry data in, out and both ways', () => {
    const machine = loaded('ioctls');
    const { fs } = machine;
    const fd = fs.open('/dev/ioctls');
    const out = word(0);
    fs.ioctl(fd, SET, word(41));
    fs.ioctl(fd, GET, out);
    expect([...out]).toEqual([41, 0, 0, 0]);
    fs.ioctl(fd, INT, 7n);
    fs.ioctl(fd, GET, out);
    expect([...out]).toEqual([7, 0, 0, 0]);
    const sum = new Uint8Array(16);
    sum.set([2, 0, 0, 0, 3, 0, 0, 0]);
    fs.ioctl(fd, SUM, sum);
    expect(sum[8]).toBe(5);
    fs.ioctl(fd, _IO(6));
    expect(() => fs.ioctl(fd, _IO(99))).toThrow(/Inappropriate ioctl for device/);
    fs.close(fd);
    machine.kldunload('ioctls');
    expect(() => fs.open('/dev/ioctls')).toThrow(/No such file or directory/);
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  });

  it('have other names, and data of each open', () => {
    const machine = loaded('mmapdev');
    const { fs } = machine;
    expect(fs.readText('/dev/mmapdev1')).toBe('unit 1 open 1 page modbox\n');
    expect(fs.readText('/dev/mmapdev')).toBe('unit 0 open 2 page modbox\n');
    expect(machine.log.since(0).map(({ text }) => text)).toEqual(
      said('mmapdev', 'open 1 ends', 'open 2 ends'),
    );
    machine.kldunload('mmapdev');
    expect(fs.list('/dev').filter((name) => name.startsWith('mmapdev'))).toEqual([]);
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  });
});

describe('a system call of a kld', () => {
  it('has the first free number, which it tells', () => {
    const machine = machineWithKlds(['syscallmod']);
    machine.kldload('syscallmod');
    expect(sysctlOn(machine, 'debug.syscallmod')).toBe('debug.syscallmod: 210');
    machine.kldunload('syscallmod');
    expect(machine.log.since(0).map(({ text }) => text)).toEqual(said('syscallmod', 'loaded', 'unloaded'));
    expect(machine.faults()).toEqual([]);
  });
});
