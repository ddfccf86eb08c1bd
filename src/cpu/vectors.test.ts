import { describe, expect, it } from 'vitest';
import { PAGE_KERNEL, PAGE_KERNEL_RO } from './address-space.js';
import { RAX, RCX, RDI, RSI } from './cpu-types.js';
import { halfOffset, VECTORS } from './runtime/layout.js';
import { CODE_ADDRESS, DATA, DATA_ADDRESS, machine, STACK, type TestMachine } from './testing/machine.js';

const HOST = 0x0200_0000;
const HOST_CALL = 'call 0xffffffff82000000';
const returned = { kind: 'returned' };

/** One byte of a register in the register file: all bytes of a test value are the same. */
const byteOf = (m: TestMachine, reg: number, half: 0 | 1 = 0): number =>
  m.space.bytes[VECTORS + halfOffset(reg + half * 16)];

function fillRegister(m: TestMachine, reg: number, low: number, high: number): void {
  m.space.bytes.fill(low, VECTORS + halfOffset(reg), VECTORS + halfOffset(reg) + 16);
  m.space.bytes.fill(high, VECTORS + halfOffset(reg + 16), VECTORS + halfOffset(reg + 16) + 16);
}

describe('vector registers', () => {
  it('keep their upper halves without VEX and lose them with it', () => {
    const m = machine();
    for (const reg of [0, 1, 2]) fillRegister(m, reg, 1 + reg, 0x11 + reg);
    m.load('paddb xmm0, xmm2\nvpaddb xmm1, xmm1, xmm2\nret');
    expect(m.call()).toEqual(returned);
    expect([byteOf(m, 0), byteOf(m, 0, 1)]).toEqual([4, 0x11]);
    expect([byteOf(m, 1), byteOf(m, 1, 1)]).toEqual([5, 0]);
  });

  it('are true in the register file at calls, and read back after them', () => {
    const m = machine();
    fillRegister(m, 1, 3, 5);
    m.cpu.bindHost(HOST, () => {
      expect([byteOf(m, 0), byteOf(m, 0, 1)]).toEqual([6, 10]);
      fillRegister(m, 0, 7, 9);
    });
    m.load(`vpaddb ymm0, ymm1, ymm1\n${HOST_CALL}\nvpaddb ymm0, ymm0, ymm1\nret`);
    expect(m.call()).toEqual(returned);
    expect([byteOf(m, 0), byteOf(m, 0, 1)]).toEqual([10, 14]);
  });

  it('pass between functions of the guest, as arguments and results', () => {
    const m = machine();
    fillRegister(m, 2, 3, 0);
    m.load(`mov ecx, 50
      1: call f
      dec ecx
      jnz 1b
      ret
      .balign 32
      f: paddb xmm0, xmm2
      ret`);
    fillRegister(m, 0, 0, 0);
    expect(m.call()).toEqual(returned);
    expect(byteOf(m, 0)).toBe(150);
  });

  it('are loop-carried, and complete when fuel runs out in the middle', () => {
    const m = machine();
    fillRegister(m, 0, 0, 0);
    fillRegister(m, 2, 1, 2);
    m.load('mov ecx, 200\n1: vpaddb ymm0, ymm0, ymm2\ndec ecx\njnz 1b\nret');
    m.prepare();
    m.cpu.fuel = 300;
    expect(m.cpu.run()).toEqual({ kind: 'budget' });
    const done = 200 - Number(m.cpu.get(RCX));
    expect(done).toBeGreaterThan(10);
    expect([byteOf(m, 0), byteOf(m, 0, 1)]).toEqual([done, (done * 2) & 255]);
    m.cpu.fuel = 1e9;
    expect(m.cpu.run()).toEqual(returned);
    expect([byteOf(m, 0), byteOf(m, 0, 1)]).toEqual([200, 400 & 255]);
  });

  it('are cleared by vzeroupper and vzeroall', () => {
    const m = machine();
    for (let reg = 0; reg < 16; reg++) fillRegister(m, reg, 1, 2);
    m.load('vzeroupper\nret');
    expect(m.call()).toEqual(returned);
    for (let reg = 0; reg < 16; reg++) expect([byteOf(m, reg), byteOf(m, reg, 1)]).toEqual([1, 0]);
    m.load('vzeroall\nret');
    expect(m.call()).toEqual(returned);
    for (let reg = 0; reg < 16; reg++) expect(byteOf(m, reg)).toBe(0);
  });

  it('have a control register that keeps what is loaded into it', () => {
    const m = machine();
    expect(m.cpu.mxcsr).toBe(0x1f80);
    m.cpu.set(RDI, DATA_ADDRESS);
    m.space.store32(DATA, 0x7fc0);
    m.load('ldmxcsr [rdi]\nvstmxcsr [rdi+8]\nret');
    expect(m.call()).toEqual(returned);
    expect([m.cpu.mxcsr, m.space.load32(DATA + 8)]).toEqual([0x7fc0, 0x7fc0]);
    m.space.store32(DATA, 0x1_0000);
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { vector: 'GP' } });
  });
});

describe('vector accesses to memory', () => {
  it.each([
    ['movdqa xmm0, [rdi]', 8],
    ['vmovdqa ymm0, [rdi]', 16],
    ['vmovdqa [rdi], ymm0', 16],
    ['paddb xmm0, [rdi]', 1],
    ['movntdq [rdi], xmm0', 4],
  ])('raise #GP where they must be aligned: %s at +%i', (text, plus) => {
    const m = machine();
    m.load(`mov eax, 7\n${text}\nmov eax, 8\nret`);
    m.cpu.set(RDI, DATA_ADDRESS + BigInt(plus));
    expect(m.call()).toEqual({ kind: 'exception', exception: { vector: 'GP' } });
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 5n);
    expect(m.cpu.get(RAX)).toBe(7n);
    // Alignment comes before the page: this one is not there.
    m.cpu.set(RDI, DATA_ADDRESS + 0x4000n + BigInt(plus));
    expect(m.call()).toEqual({ kind: 'exception', exception: { vector: 'GP' } });
    m.cpu.set(RDI, DATA_ADDRESS + 32n);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(8n);
  });

  it('check alignment of every pointer of a block, known or not', () => {
    const m = machine();
    m.load('movdqa xmm0, [rdi]\nmovdqa xmm1, [rdi+0x20]\nmovdqa xmm2, [rdi+0x38]\nret');
    m.cpu.set(RDI, DATA_ADDRESS);
    m.space.store8(DATA + 0x20, 5);
    expect(m.call()).toEqual({ kind: 'exception', exception: { vector: 'GP' } });
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 9n);
    expect(byteOf(m, 1)).toBe(5);
  });

  it('reach over pages and through the direct map', () => {
    const m = machine();
    m.load('vmovdqu ymm0, [rdi]\nvmovdqu [rsi], ymm0\nret');
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
    for (const [from, to] of [
      [DATA_ADDRESS + 0xff8n, DATA_ADDRESS + 0x1fe5n],
      [0xffff_8880_8000_0000n + BigInt(STACK), DATA_ADDRESS + 0x20n],
    ]) {
      const at = m.space.fromAddress(from);
      m.space.bytes.set(bytes, from === DATA_ADDRESS + 0xff8n ? at : STACK);
      m.cpu.set(RDI, from);
      m.cpu.set(RSI, to);
      expect(m.call()).toEqual(returned);
      const found = m.space.fromAddress(to);
      expect([...m.space.bytes.slice(found, found + 32)]).toEqual([...bytes]);
    }
  });

  it.each([
    ['read over the end of a mapping', 'vmovdqu ymm0, [rdi]', 0x3ff0n, 0x4000n, 'read'],
    ['read of the last bytes', 'movdqu xmm0, [rdi]', 0x3ff1n, 0x4000n, 'read'],
    ['write over the end', 'vmovdqu [rdi], ymm0', 0x3ff0n, 0x4000n, 'write'],
    ['write to read-only data', 'movdqa [rdi], xmm0', 0x5000n, 0x5000n, 'write'],
    ['64 bits of a vector', 'movq [rdi], xmm0', 0x3ffan, 0x4000n, 'write'],
    ['read before the start', 'movdqu xmm0, [rdi]', -3n, -3n, 'read'],
  ])('fault precisely: %s', (_, text, at, faulting, access) => {
    const m = machine();
    m.space.map(DATA + 0x5000, 0x1000, PAGE_KERNEL_RO);
    fillRegister(m, 0, 9, 9);
    m.load(`vpaddb xmm1, xmm0, xmm0\n${text}\nret`);
    m.cpu.set(RDI, DATA_ADDRESS + at);
    const exception = { vector: 'PF', address: DATA_ADDRESS + faulting, access };
    expect(m.call()).toEqual({ kind: 'exception', exception });
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 4n);
    expect([byteOf(m, 0), byteOf(m, 1)]).toEqual([9, 18]);
    expect(m.space.bytes.slice(DATA + 0x3ff0, DATA + 0x4000).every((byte) => byte === 0)).toBe(true);
    m.space.map(DATA + 0x4000, 0x1000, PAGE_KERNEL);
    if (at === 0x3ff0n) expect(m.cpu.run()).toEqual(returned);
  });

  it('fault precisely within a range that is checked at once', () => {
    const m = machine();
    m.load('vmovdqu ymm0, [rdi]\nadd rsi, 1\nvmovdqu ymm1, [rdi+0x20]\nvmovdqu ymm2, [rdi+0x40]\nret');
    m.cpu.set(RDI, DATA_ADDRESS + 0x3fc0n);
    m.cpu.set(RSI, 5n);
    m.space.bytes.fill(3, DATA + 0x3fc0, DATA + 0x4000);
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { address: DATA_ADDRESS + 0x4000n } });
    expect([byteOf(m, 0), byteOf(m, 1), m.cpu.get(RSI)]).toEqual([3, 3, 6n]);
  });
});

describe('instructions that are not translated', () => {
  it.each([
    ['AVX-512', 'vpxord zmm0, zmm1, zmm2'],
    ['AVX-512', 'vpternlogd ymm0, ymm1, ymm2, 0x96'],
    ['x87', 'fldpi'],
    ['MMX', 'paddb mm0, mm1'],
    ['VEX', 'vgatherdps xmm0, [rdi+xmm1], xmm2'],
  ])('are named by their family: %s (%s)', (family, text) => {
    const m = machine();
    m.load(`${text}\nret`);
    const exit = m.call();
    expect(exit).toMatchObject({ kind: 'exception', exception: { vector: 'UD' } });
    const named = exit.kind === 'exception' ? exit.exception.unimplemented : undefined;
    expect(named).toContain(family);
  });
});
