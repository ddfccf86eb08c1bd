import { describe, expect, it } from 'vitest';
import { R8, R9, RAX, RCX, RDI, RDX, RSI, RSP } from '../cpu/cpu-types.js';
import { CODE, DATA, machine, type TestMachine } from '../cpu/testing/machine.js';
import type { Convention } from '../kernel/abi/convention.js';
import { parseSignature } from '../kernel/abi/signature.js';
import { MicrosoftX64 } from './microsoft-x64.js';
import { SystemV } from './system-v.js';

/** Where a function of the host is bound. */
const HOST = 0x0200_0000;

/** Each convention, with the register of its first argument and what its callers do round a call of eight arguments. */
const CONVENTIONS = [
  [
    'System V AMD64',
    SystemV,
    [RDI, RSI, RDX, RCX, R8, R9],
    'push 8\npush 7\ncall 0xffffffff82000000\nadd rsp, 16',
  ],
  [
    'Microsoft x64',
    MicrosoftX64,
    [RCX, RDX, R8, R9],
    'sub rsp, 64\nmov qword ptr [rsp+32], 5\nmov qword ptr [rsp+40], 6\nmov qword ptr [rsp+48], 7\nmov qword ptr [rsp+56], 8\ncall 0xffffffff82000000\nadd rsp, 64',
  ],
] as const;

describe.each(CONVENTIONS)('%s', (_name, Made, registers, eight) => {
  const made = (): { m: TestMachine; convention: Convention } => {
    const m = machine();
    return { m, convention: new Made(m.cpu, m.space) };
  };

  /** Guest code that calls the host with 1 to 8, and returns what it returned. */
  const callHost = (m: TestMachine, serve: () => void): void => {
    m.load(`sub rsp, 8\n${eight}\nadd rsp, 8\nret`);
    for (const [i, register] of registers.entries()) m.cpu.set(register, BigInt(i + 1));
    m.cpu.bindHost(HOST, serve);
    expect(m.call()).toEqual({ kind: 'returned' });
  };

  it('reads the arguments of a call, in registers and on the stack', () => {
    const { m, convention } = made();
    const readers = convention.readers(parseSignature('v:iuLqhcCb').params);
    let seen: unknown[] = [];
    callHost(m, () => {
      seen = readers.map((read) => read());
    });
    expect(seen).toEqual([1, 2, 3, 4n, 5, 6, 7, true]);
  });

  it('reads variable arguments after the named ones, and knows where the call returns to', () => {
    const { m, convention } = made();
    let seen: bigint[] = [];
    let back = 0;
    callHost(m, () => {
      const args = convention.varargs(parseSignature('v:pp').params);
      seen = [1, 2, 3, 4, 5, 6].map(() => args.next64());
      back = convention.returnAddress();
    });
    expect(seen).toEqual([3n, 4n, 5n, 6n, 7n, 8n]);
    expect(back).toBeGreaterThan(CODE);
    expect(back).toBeLessThan(CODE + 4096);
  });

  it('gives results back as C says', () => {
    const { m, convention } = made();
    const finish = convention.finisher('i', 'test');
    callHost(m, () => finish(-2));
    expect([convention.result('i'), convention.result('l'), convention.result('Q')]).toEqual([
      -2,
      -2,
      0xffff_ffff_ffff_fffen,
    ]);
    convention.finisher('p', 'test')(DATA);
    expect([convention.result('p'), m.cpu.getPtr(RAX)]).toEqual([DATA, DATA]);
    expect(() => convention.finisher('i', 'test')(undefined)).toThrow('test gave no result');
  });

  it('calls guest code with any number of arguments, on an aligned stack, and puts the stack back', () => {
    const { m, convention } = made();
    m.prepare();
    const before = m.cpu.get(RSP);
    for (let count = 0; count <= 9; count++) {
      // The callee looks at its arguments through the convention's own readers.
      const readers = convention.readers(Array.from({ length: count }, () => 'L' as const));
      const frame = convention.enter(
        CODE,
        Array.from({ length: count }, (_, i) => BigInt(10 + i)),
      );
      expect(readers.map((read) => read())).toEqual(Array.from({ length: count }, (_, i) => 10 + i));
      expect(m.cpu.get(RSP) % 16n).toBe(8n);
      convention.leave(frame);
      expect(m.cpu.get(RSP)).toBe(before);
    }
  });
});

it('a struct of two words is a result of System V, and none of Microsoft x64', () => {
  const m = machine();
  new SystemV(m.cpu, m.space).finisher('w', 'now')([5n, -1n]);
  expect([m.cpu.get(RAX), m.cpu.get(RDX)]).toEqual([5n, 0xffff_ffff_ffff_ffffn]);
  expect(() => new MicrosoftX64(m.cpu, m.space).finisher('w', 'now')).toThrow('now: a struct of two words');
});
