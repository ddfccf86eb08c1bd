import { describe, expect, it } from 'vitest';
import { RAX, RDI, RSI } from './cpu-types.js';
import { CODE, CODE_ADDRESS, DATA_ADDRESS, machine } from './testing/machine.js';

describe('whole functions', () => {
  it('runs a loop', () => {
    const m = machine();
    m.load('xor eax, eax\n1: add rax, rdi\ndec rdi\njnz 1b\nret');
    m.cpu.set(RDI, 10n);
    expect(m.call()).toEqual({ kind: 'returned' });
    expect(m.cpu.get(RAX)).toBe(55n);
  });

  it('calls, recurses and keeps callee-saved registers', () => {
    const m = machine();
    m.load(`
      fib: push rbx
      push rbp
      mov rbx, rdi
      mov eax, edi
      cmp rdi, 2
      jb 1f
      lea rdi, [rbx-1]
      call fib
      mov rbp, rax
      lea rdi, [rbx-2]
      call fib
      add rax, rbp
      1: pop rbp
      pop rbx
      ret`);
    m.cpu.set(RDI, 20n);
    m.cpu.set(3, 77n);
    expect(m.call()).toEqual({ kind: 'returned' });
    expect(m.cpu.get(RAX)).toBe(6765n);
    expect(m.cpu.get(3)).toBe(77n);
  });

  it('calls host functions, directly and indirectly', () => {
    const m = machine();
    const host = 0x0200_0000;
    m.cpu.bindHost(host, () => m.cpu.set(RAX, m.cpu.get(RDI) + 1n));
    m.load(`
      mov edi, 5
      call 0xffffffff82000000
      mov rdi, rax
      mov rax, 0xffffffff82000000
      call rax
      mov rdi, rax
      jmp 0xffffffff82000000`);
    expect(m.call()).toEqual({ kind: 'returned' });
    expect(m.cpu.get(RAX)).toBe(8n);
  });

  it('unwinds and resumes', () => {
    const m = machine();
    const host = 0x0200_0000;
    m.cpu.bindHost(host, () => m.cpu.unwind());
    m.load(`
      push rbx
      mov ebx, 3
      call 1f
      add rax, rbx
      pop rbx
      ret
      1: push rbx
      mov ebx, 4
      call 0xffffffff82000000
      add rax, rbx
      pop rbx
      ret`);
    expect(m.call()).toEqual({ kind: 'unwound' });
    const rsp = m.cpu.get(4);
    m.cpu.rip = m.space.load64(m.space.fromAddress(rsp));
    m.cpu.set(4, rsp + 8n);
    m.cpu.set(RAX, 100n);
    expect(m.cpu.run()).toEqual({ kind: 'returned' });
    expect(m.cpu.get(RAX)).toBe(107n);
  });

  it('faults precisely', () => {
    const m = machine();
    m.load('mov eax, 7\nadd rsi, 1\nmov rcx, [rsi+0x10]\nadd eax, 1\nret');
    m.cpu.set(RSI, 0x1000n);
    expect(m.call()).toEqual({
      kind: 'exception',
      exception: { vector: 'PF', address: 0x1011n, access: 'read' },
    });
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 9n);
    expect(m.cpu.get(RAX)).toBe(7n);
    expect(m.cpu.get(RSI)).toBe(0x1001n);
  });

  it('goes on after an access that crosses pages', () => {
    const m = machine();
    m.load('mov rax, 0x1122334455667788\nmov [rdi], rax\nmov rax, [rdi+1]\nret');
    m.cpu.set(RDI, DATA_ADDRESS + 0xffdn);
    expect(m.call()).toEqual({ kind: 'returned' });
    expect(m.cpu.get(RAX)).toBe(0x11223344556677n);
  });

  it('runs out of fuel and goes on', () => {
    const m = machine();
    m.load('xor eax, eax\n1: add rax, rdi\ndec rdi\njnz 1b\nret');
    m.cpu.set(RDI, 1000n);
    m.prepare();
    let exits = 0;
    for (;;) {
      m.cpu.fuel = 100;
      const exit = m.cpu.run();
      if (exit.kind === 'returned') break;
      expect(exit).toEqual({ kind: 'budget' });
      exits++;
    }
    expect(exits).toBeGreaterThan(10);
    expect(m.cpu.get(RAX)).toBe(500500n);
  });

  it('notices patched code', () => {
    const m = machine();
    m.load('mov eax, 1\nret');
    m.call();
    m.load('mov eax, 2\nret');
    m.call();
    expect(m.cpu.get(RAX)).toBe(2n);
    expect(CODE).toBe(0x4000_0000);
  });

  it('sets the global interrupt flag where virtual machines are enabled, and has no such instruction elsewhere', () => {
    const withEfer = (efer: bigint) => {
      const m = machine({ platform: { rdmsr: () => efer } });
      m.loadBytes(Uint8Array.from([0x0f, 0x01, 0xdc, 0xc3])); // stgi; ret
      return m.call();
    };
    expect(withEfer(0x1d01n)).toEqual({ kind: 'returned' });
    expect(withEfer(0xd01n)).toMatchObject({ kind: 'exception', exception: { vector: 'UD' } });
  });
});
