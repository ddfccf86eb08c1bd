import { beforeEach, describe, expect, it } from 'vitest';
import { RAX, RCX, RDI, RSI } from './cpu-types.js';
import type { DeviceMemory } from './device-pages.js';
import { DATA, DATA_ADDRESS, machine, type TestMachine } from './testing/machine.js';
import { Random } from './testing/random.js';

const DEVICE = DATA + 0x1000;
const DEVICE_ADDRESS = DATA_ADDRESS + 0x1000n;
const returned = { kind: 'returned' };

type Access = readonly [kind: 'read' | 'write', offset: number, size: number, value: bigint];

let m: TestMachine;
let accesses: Access[];
/** What the next reads give; the last one goes on. */
let answers: bigint[];

beforeEach(() => {
  m = machine();
  accesses = [];
  answers = [0x1122_3344_5566_7788n];
  m.space.mapDevice(DEVICE, 0x1000, {
    read(offset, size) {
      const answer = answers.length > 1 ? (answers.shift() as bigint) : answers[0];
      const value = BigInt.asUintN(8 * size, answer);
      accesses.push(['read', offset, size, value]);
      return value;
    },
    write: (offset, size, value) => void accesses.push(['write', offset, size, value]),
  });
});

/** Runs code with RDI at the device and RSI at memory. */
function run(code: string): void {
  m.load(`${code}\nret`);
  m.cpu.set(RDI, DEVICE_ADDRESS);
  m.cpu.set(RSI, DATA_ADDRESS);
  expect(m.call()).toEqual(returned);
}

describe('memory at which a device answers', () => {
  it('is read by width and address', () => {
    run('mov al, [rdi+3]\nmovzx ecx, word ptr [rdi+0x10]\nmov edx, [rdi+0x20]\nmov r8, [rdi+0x30]');
    expect(accesses.map(([kind, offset, size]) => [kind, offset, size])).toEqual([
      ['read', 3, 1],
      ['read', 0x10, 2],
      ['read', 0x20, 4],
      ['read', 0x30, 8],
    ]);
    expect(m.cpu.get(RAX) & 0xffn).toBe(0x88n);
    expect(m.cpu.get(RCX)).toBe(0x7788n);
  });

  it('is written without being read', () => {
    run(
      'mov byte ptr [rdi+1], 7\nmov word ptr [rdi+2], 8\nmov dword ptr [rdi+4], 9\nmov qword ptr [rdi+8], -1\nmovnti [rdi+16], esi',
    );
    expect(accesses.map(([kind, offset, size]) => [kind, offset, size])).toEqual([
      ['write', 1, 1],
      ['write', 2, 2],
      ['write', 4, 4],
      ['write', 8, 8],
      ['write', 16, 4],
    ]);
    expect(accesses[3][3]).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('is read, and then written, by what changes it', () => {
    run('or dword ptr [rdi+8], 0x10');
    expect(accesses).toEqual([
      ['read', 8, 4, 0x5566_7788n],
      ['write', 8, 4, 0x5566_7798n],
    ]);
    accesses.length = 0;
    run('xchg [rdi+8], eax\nlock xadd [rdi+8], eax\nadd word ptr [rdi], 1\nsetz byte ptr [rdi]');
    expect(accesses.map(([kind, , size]) => `${kind} ${size}`)).toEqual([
      'read 4',
      'write 4',
      'read 4',
      'write 4',
      'read 2',
      'write 2',
      'write 1',
    ]);
  });

  it('is read once for each turn of a loop that waits for it', () => {
    answers = [0n, 0n, 0n, 4n];
    run('1: test dword ptr [rdi], 4\njz 1b\nmov eax, 5');
    expect(accesses).toHaveLength(4);
    expect(m.cpu.get(RAX)).toBe(5n);
  });

  it('is only read by comparisons', () => {
    run('cmp dword ptr [rdi], 1\ntest byte ptr [rdi], 1\nbt dword ptr [rdi], 3');
    expect(accesses.every(([kind]) => kind === 'read')).toBe(true);
    expect(accesses).toHaveLength(3);
  });

  it('is accessed element by element by string instructions', () => {
    run('mov ecx, 3\nxchg rdi, rsi\nrep movsd');
    expect(accesses.map(([kind, offset, size]) => [kind, offset, size])).toEqual([
      ['read', 0, 4],
      ['read', 4, 4],
      ['read', 8, 4],
    ]);
    accesses.length = 0;
    run('mov ecx, 2\nmov eax, 6\nrep stosw\nmovsb');
    expect(accesses).toEqual([
      ['write', 0, 2, 6n],
      ['write', 2, 2, 6n],
      ['write', 4, 1, 0x88n],
    ]);
  });

  it('is moved by vectors in pieces of eight bytes', () => {
    run('movdqu xmm0, [rdi]\nmovdqu [rdi+0x20], xmm0\nmovq [rdi+0x40], xmm0');
    expect(accesses.map(([kind, offset, size]) => [kind, offset, size])).toEqual([
      ['read', 0, 8],
      ['read', 8, 8],
      ['write', 0x20, 8],
      ['write', 0x28, 8],
      ['write', 0x40, 8],
    ]);
  });

  it('does not answer at other addresses, beyond its end, or once it is unmapped', () => {
    m.load('mov eax, [rdi]\nret');
    const read = (address: bigint) => {
      m.cpu.set(RDI, address);
      return m.call();
    };
    expect(read(DEVICE_ADDRESS)).toEqual(returned);
    expect(read(DEVICE_ADDRESS & 0xffff_ffffn)).toMatchObject({ kind: 'exception' });
    expect(read(DEVICE_ADDRESS + 0x3000n)).toMatchObject({ kind: 'exception', exception: { vector: 'PF' } });
    m.space.unmap(DEVICE, 0x1000);
    expect(read(DEVICE_ADDRESS)).toMatchObject({ kind: 'exception', exception: { vector: 'PF' } });
    expect(accesses).toHaveLength(1);
  });

  it('can be read by TypeScript, and is not written by mistake', () => {
    expect(m.space.load32(DEVICE + 4)).toBe(0x5566_7788);
    expect(() => m.space.store32(DEVICE, 1)).toThrow();
    expect(accesses).toEqual([['read', 4, 4, 0x5566_7788n]]);
  });

  it('is like memory to random code where the device keeps what it is told', () => {
    const r = new Random(7);
    const ops = [
      0x48, 0x89, 0x8b, 0x83, 0x01, 0x29, 0x31, 0x88, 0x0f, 0xb6, 0xc7, 0xff, 0x47, 0x57, 0x87, 0xa5,
    ];
    let finished = 0;
    for (let i = 0; i < 24; i++) {
      const code = Uint8Array.from({ length: 30 }, () => (r.chance(75) ? r.pick(ops) : r.below(256)));
      const regs = Array.from({ length: 16 }, () => DATA_ADDRESS + BigInt(0x400 + r.below(0x3800)));
      const ends = [false, true].map((asDevice) => {
        const one = machine({}, 1);
        const contents = new DataView(new ArrayBuffer(0x4000));
        const kept: DeviceMemory = {
          read: (offset, size) =>
            Array.from(
              { length: size },
              (_, b) => BigInt(contents.getUint8(offset + b)) << BigInt(8 * b),
            ).reduce((a, b) => a | b),
          write: (offset, size, value) => {
            for (let b = 0; b < size; b++)
              contents.setUint8(offset + b, Number((value >> BigInt(8 * b)) & 0xffn));
          },
        };
        if (asDevice) one.space.mapDevice(DATA, 0x4000, kept);
        one.loadBytes(new Uint8Array(4096).fill(0xcc));
        one.loadBytes(code);
        regs.forEach((value, reg) => {
          one.cpu.set(reg, value);
        });
        one.prepare();
        one.cpu.fuel = 10_000;
        const exit = one.cpu.run();
        if (exit.kind === 'budget') return undefined;
        const memory = asDevice
          ? new Uint8Array(contents.buffer)
          : one.space.bytes.slice(DATA, DATA + 0x4000);
        return { exit, memory, state: regs.map((_, reg) => one.cpu.get(reg)), rip: one.cpu.rip };
      });
      if (!ends[0] || !ends[1]) continue;
      finished++;
      expect(ends[1]).toEqual(ends[0]);
    }
    expect(finished).toBeGreaterThan(10);
  });

  it('knows which instruction asks', () => {
    let rip = 0n;
    m.space.unmap(DEVICE, 0x1000);
    m.space.mapDevice(DEVICE, 0x1000, {
      read: () => {
        rip = m.cpu.rip;
        return 0n;
      },
      write: () => undefined,
    });
    m.load('nop\nnop\nmov eax, [rdi]\nmov eax, [rdi]\nret');
    m.cpu.set(RDI, DEVICE_ADDRESS);
    m.call();
    expect(rip & 0xfn).toBe(4n);
  });
});
