import { describe, expect, it } from 'vitest';
import { humanize } from '../humanize.js';
import { FakeKernel, runTool } from '../testing/fake-kernel.js';
import { kldstat } from './kldstat.js';

function kernel(): FakeKernel {
  const fake = new FakeKernel();
  const linux = {
    id: 2,
    name: 'linux.ko',
    refs: 3,
    address: 0xffffffff82649000n,
    size: 0xb7bd8,
    pathname: '/boot/kernel/linux.ko',
  };
  fake.files = [
    {
      id: 1,
      name: 'kernel',
      refs: 38,
      address: 0xffffffff80200000n,
      size: 0x2448f20,
      pathname: '/boot/kernel/kernel',
      modules: [],
    },
    {
      ...linux,
      modules: [
        { id: 2, name: 'linuxelf', refs: 1, data: 0xffffffffffffffffn },
        { id: 366, name: 'g_raid', refs: 1, data: 0n },
      ],
    },
  ];
  return fake;
}

const HEAD = 'Id Refs Address                Size Name\n';
const HUMAN = 'Id Refs Address             Size Name\n';

describe('kldstat', () => {
  it('lists files as its manual page shows', () => {
    expect(runTool(kldstat, kernel(), [])).toEqual({
      status: 0,
      err: '',
      out: `${HEAD} 1   38 0xffffffff80200000  2448f20 kernel\n 2    3 0xffffffff82649000    b7bd8 linux.ko\n`,
    });
  });

  it('-h shows sizes for people, -v paths and modules', () => {
    expect(runTool(kldstat, kernel(), ['-h', '-v', '-n', 'linux']).out).toBe(
      `${HUMAN} 2    3 0xffffffff82649000  735K linux.ko (/boot/kernel/linux.ko)\n\tContains modules:\n\t\t Id Name\n\t\t  2 linuxelf\n\t\t366 g_raid\n`,
    );
    expect(runTool(kldstat, kernel(), ['-dvi', '2']).out).toContain(
      '\t\t  2 linuxelf (-1, 4294967295, 0xffffffffffffffff)\n',
    );
  });

  it('-m shows a module, -d its data', () => {
    expect(runTool(kldstat, kernel(), ['-m', 'linuxelf']).out).toBe('Id  Refs Name\n  2    1 linuxelf\n');
    expect(runTool(kldstat, kernel(), ['-d', '-m', 'g_raid']).out).toBe(
      'Id  Refs Name data..(int, uint, ulong)\n366    1 g_raid (0, 0, 0x0)\n',
    );
  });

  it('tells what is not there, -q by its status alone', () => {
    expect(runTool(kldstat, kernel(), ['-n', 'none'])).toEqual({
      status: 1,
      out: '',
      err: "kldstat: can't find file none: No such file or directory\n",
    });
    expect(runTool(kldstat, kernel(), ['-m', 'none']).err).toBe(
      "kldstat: can't find module none: No such file or directory\n",
    );
    expect(runTool(kldstat, kernel(), ['-q', '-m', 'none'])).toEqual({ status: 1, out: '', err: '' });
    expect(runTool(kldstat, kernel(), ['-q', '-n', 'linux'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldstat, kernel(), ['-i', '9'])).toEqual({
      status: 1,
      out: HEAD,
      err: "kldstat: can't stat file id 9: No such file or directory\n",
    });
  });

  it('wants numbers, and no operands', () => {
    const usage = 'usage: kldstat [-dhqv] [-i id] [-n filename]\n       kldstat [-dq] [-m modname]\n';
    expect(runTool(kldstat, kernel(), ['-i', '2x'])).toEqual({ status: 1, out: '', err: usage });
    expect(runTool(kldstat, kernel(), ['x']).err).toBe(usage);
  });
});

describe('sizes for people', () => {
  it('have three digits, or one and a decimal', () => {
    const sizes = [0, 999, 1000, 1024, 1536, 10188, 10189, 10240, 752600, 1023_999, 1024 ** 2, 36_983_584];
    expect(sizes.map((size) => humanize(size, 5))).toEqual([
      '0',
      '999',
      '1.0K',
      '1.0K',
      '1.5K',
      '9.9K',
      '10K',
      '10K',
      '735K',
      '1.0M',
      '1.0M',
      '35M',
    ]);
  });
});
