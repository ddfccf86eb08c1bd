import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../../files/file-source.js';
import { EOPNOTSUPP, EPERM } from '../../../freebsd/errno.js';
import { cString, FakeKernel, type FakeNode, runTool } from '../../testing/fake-kernel.js';
import { sysctl } from './sysctl.js';

const RD = 0x80000000;
const RW = 0xc0000000;
const TUN = 0x80000;

function bytes(...numbers: readonly (number | bigint)[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(numbers.length * 4));
  for (const [i, number] of numbers.entries())
    view.setInt32(i * 4, Number(BigInt.asIntN(32, BigInt(number))), true);
  return new Uint8Array(view.buffer);
}

function kernel(): FakeKernel {
  const fake = new FakeKernel();
  const add = (
    name: string,
    kind: number,
    format: string,
    value: Uint8Array,
    more: Partial<FakeNode> = {},
  ): void => void fake.nodes.set(name, { kind: kind >>> 0, format, value, ...more });
  add('kern.ostype', RD | 3, 'A', cString('FreeBSD'), { description: 'Operating system type' });
  add('kern.maxfiles', RW | 2, 'I', bytes(100, -1));
  add('kern.hz', RD | TUN | 2, 'I', bytes(1000));
  add('kern.empty', RW | 3, 'A', new Uint8Array(0));
  add('kern.gone', RW | 2, 'I', bytes(1), { errno: EOPNOTSUPP });
  add('kern.denied', RW | 2, 'I', bytes(1), { errno: EPERM });
  add('kern.clockrate', RD | 5, 'S,clockinfo', bytes(1000, 1000, 0, 127, 127));
  add('kern.boottime', RD | 5, 'S,timeval', bytes(1700000000, 0, 42, 0));
  add('kern.opaque', RD | 5, 'S,thing', bytes(...new Array(10).fill(0x01020304)));
  add('vm.loadavg', RD | 5, 'S,loadavg', bytes(2048, 1024, 205, 0, 2048, 0));
  add('hw.temperature', RW | 2, 'IK', bytes(3012));
  add('hw.big', RW | 9, 'QU', bytes(-1, -1));
  add('hw.small', RW | 12, 'C', Uint8Array.of(0xff, 3));
  return fake;
}

const run = (args: readonly string[], fake = kernel(), files?: MemoryFiles) =>
  runTool(sysctl, fake, args, files);

describe('sysctl shows', () => {
  it('texts and numbers by their types', () => {
    expect(run(['kern.ostype', 'kern.maxfiles', 'kern.empty', 'hw.big', 'hw.small'])).toEqual({
      status: 0,
      err: '',
      out: 'kern.ostype: FreeBSD\nkern.maxfiles: 100 -1\nkern.empty: \nhw.big: 18446744073709551615\nhw.small: -1 3\n',
    });
  });

  it('names and values apart, descriptions and types', () => {
    expect(run(['-n', 'kern.ostype']).out).toBe('FreeBSD\n');
    expect(run(['-N', 'kern.ostype']).out).toBe('kern.ostype\n');
    expect(run(['-e', 'kern.ostype']).out).toBe('kern.ostype=FreeBSD\n');
    expect(run(['-d', 'kern.ostype']).out).toBe('kern.ostype: Operating system type\n');
    expect(run(['-t', 'kern.ostype', 'hw.big']).out).toBe('kern.ostype: string\nhw.big: uint64_t\n');
    expect(run(['-td', 'kern.ostype']).out).toBe('kern.ostype: string: Operating system type\n');
    expect(run(['-b', 'kern.ostype']).out).toBe('FreeBSD\0');
  });

  it('numbers in hexadecimal, as wide as their type', () => {
    expect(run(['-x', 'kern.maxfiles', 'hw.small']).out).toBe(
      'kern.maxfiles: 0x00000064 0xffffffff\nhw.small: 0xff 0x03\n',
    );
  });

  it('structs that it knows', () => {
    expect(run(['kern.clockrate', 'kern.boottime', 'vm.loadavg']).out).toBe(
      'kern.clockrate: { hz = 1000, tick = 1000, profhz = 127, stathz = 127 }\n' +
        'kern.boottime: { sec = 1700000000, usec = 42 } Tue Nov 14 22:13:20 2023\n' +
        'vm.loadavg: { 1.00 0.50 0.10 }\n',
    );
  });

  it('others only with -o and -x', () => {
    expect(run(['kern.opaque']).out).toBe('');
    expect(run(['-o', 'kern.opaque']).out).toBe(
      `kern.opaque: Format:S,thing Length:40 Dump:0x${'04030201'.repeat(4)}...\n`,
    );
    expect(run(['-x', 'kern.opaque']).out).toBe(
      `kern.opaque: Format:S,thing Length:40 Dump:0x${'04030201'.repeat(10)}\n`,
    );
  });

  it('temperatures in degrees', () => {
    expect(run(['hw.temperature']).out).toBe('hw.temperature: 28.1C\n');
  });

  it('all below a node, and all', () => {
    expect(run(['hw']).out).toBe('hw.temperature: 28.1C\nhw.big: 18446744073709551615\nhw.small: -1 3\n');
    expect(run(['-aN']).out.split('\n')).toHaveLength(14);
    expect(run(['-aNT']).out).toBe('kern.hz\n');
    expect(run(['-aNW']).out).toBe(
      'kern.maxfiles\nkern.empty\nkern.gone\nkern.denied\nhw.temperature\nhw.big\nhw.small\n',
    );
  });

  it('nothing of a name that there is not', () => {
    expect(run(['kern.none', 'kern.ostype'])).toEqual({
      status: 1,
      out: 'kern.ostype: FreeBSD\n',
      err: "sysctl: unknown oid 'kern.none'\n",
    });
    expect(run(['-q', 'kern.none'])).toEqual({ status: 1, out: '', err: '' });
    expect(run(['-i', 'kern.none'])).toEqual({ status: 0, out: '', err: '' });
  });
});

describe('sysctl sets', () => {
  it('numbers and texts, and shows both values', () => {
    const fake = kernel();
    expect(run(['kern.maxfiles=0x10, 020'], fake).out).toBe('kern.maxfiles: 100 -1 -> 16 16\n');
    expect(run(['kern.empty="a b"'], fake).out).toBe('kern.empty:  -> a b\n');
    expect(run(['-n', 'hw.small:-2'], fake).out).toBe('-1 3 -> -2\n');
    expect(run(['hw.temperature=30C'], fake).out).toBe('hw.temperature: 28.1C -> 30.1C\n');
  });

  it('not what is no number of the type', () => {
    expect(run(['kern.maxfiles=x'])).toEqual({ status: 1, out: '', err: "sysctl: invalid integer 'x'\n" });
    expect(run(['kern.maxfiles=09']).err).toBe("sysctl: invalid integer '09'\n");
    expect(run(['hw.big=']).err).toBe('sysctl: empty numeric value\n');
    expect(run(['hw.big=0x1ffffffffffffffff']).err).toBe("sysctl: invalid uint64_t '0x1ffffffffffffffff'\n");
    expect(run(['hw.temperature=300']).err).toBe("sysctl: invalid integer '300'\n");
  });

  it('not what is read only, a node, or a struct', () => {
    expect(run(['kern.ostype=x']).err).toBe("sysctl: oid 'kern.ostype' is read only\n");
    expect(run(['kern.hz=1']).err).toBe(
      "sysctl: oid 'kern.hz' is a read only tunable\nsysctl: Tunable values are set in /boot/loader.conf\n",
    );
    expect(run(['kern=1']).err).toBe("sysctl: oid 'kern' isn't a leaf node\n");
  });

  it('and tells what the kernel says', () => {
    expect(run(['kern.gone=2'])).toEqual({
      status: 1,
      out: 'kern.gone: 1\n',
      err: 'sysctl: kern.gone=2: value is not available\n',
    });
    expect(run(['kern.denied=2']).err).toBe('sysctl: kern.denied=2: Operation not permitted\n');
  });

  it('what a file says, with its lines in messages', () => {
    const files = new MemoryFiles([
      ['/etc/sysctl.conf', '# comment\n\nkern.maxfiles=7 # seven\nkern.none=1\nkern.empty="a # b" # c\n'],
    ]);
    expect(run(['-f', '/etc/sysctl.conf'], kernel(), files)).toEqual({
      status: 1,
      out: 'kern.maxfiles: 100 -1 -> 7\nkern.empty:  -> a # b\n',
      err: "sysctl: unknown oid 'kern.none' at line 4\n",
    });
    expect(run(['-f', '/none'])).toEqual({
      status: 66,
      out: '',
      err: 'sysctl: /none: No such file or directory\n',
    });
  });
});

describe('a command line for sysctl', () => {
  it('names something', () => {
    expect(run([])).toMatchObject({ status: 1, err: expect.stringMatching(/^usage: sysctl \[/) });
    expect(run(['-nN', 'kern'])).toMatchObject({ status: 1 });
    expect(run(['-T', 'kern.maxfiles=1']).err).toMatch(
      /^sysctl: Can't set variables when using -T or -W\nusage/,
    );
  });

  it('with an option that is not implemented is refused by its name', () => {
    expect(run(['-F', 'kern.hz'])).toEqual({
      status: 1,
      out: '',
      err: 'sysctl: modbox: -F is not implemented\n',
    });
  });
});
