import { describe, expect, it } from 'vitest';
import { PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_ROX } from './address-space.js';
import { RAX, RCX, RDI, RSI, RSP } from './cpu-types.js';
import { CodeCache } from './runtime/code-cache.js';
import {
  CODE,
  CODE_ADDRESS,
  DATA,
  DATA_ADDRESS,
  machine,
  STACK,
  type TestMachine,
} from './testing/machine.js';

const HOST = 0x0200_0000;
const HOST_CALL = 'call 0xffffffff82000000';
const returned = { kind: 'returned' };

const SUM = `
  f: push rbx
  mov rbx, rdi
  ${HOST_CALL}
  test rbx, rbx
  jz 1f
  lea rdi, [rbx-1]
  call f
  1: add rax, rbx
  pop rbx
  ret`;

describe('changing code', () => {
  it('drops translations that are running', () => {
    const m = machine();
    m.load(`f: ${HOST_CALL}\nmov eax, 1\nret`);
    m.cpu.bindHost(HOST, () => m.load('mov eax, 2\nret', 5));
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(2n);
  });

  it('keeps modules apart that are loaded at the same address', () => {
    const m = machine();
    for (const value of [1, 2, 1]) {
      m.load(`mov eax, ${value}\nret`);
      expect(m.call()).toEqual(returned);
      expect(m.cpu.get(RAX)).toBe(BigInt(value));
      m.space.unmap(CODE, 0x4000);
      expect(m.call()).toMatchObject({ kind: 'exception', exception: { access: 'execute' } });
      m.space.map(CODE, 0x4000, PAGE_KERNEL_ROX);
    }
  });

  it('binds and unbinds host functions that are called already', () => {
    const m = machine();
    m.load(`${HOST_CALL}\nret`);
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { access: 'execute' } });
    m.cpu.bindHost(HOST, () => m.cpu.set(RAX, 1n));
    expect(m.call()).toEqual(returned);
    m.cpu.unbindHost(HOST);
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { access: 'execute' } });
  });
});

describe('memory', () => {
  it('reaches pages through the direct map', () => {
    const m = machine();
    m.load('mov rax, [rdi]\nadd qword ptr [rdi], 1\nmov rcx, [rsi]\nret');
    m.space.store64(STACK, 41n);
    // PAGE_OFFSET + linear offset.
    const alias = 0xffff_8880_8000_0000n + BigInt(STACK);
    m.cpu.set(RDI, alias);
    m.cpu.set(RSI, m.space.toAddress(STACK));
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(41n);
    expect(m.cpu.get(RCX)).toBe(42n);
  });

  it.each([
    ['write to read-only data', 'mov [rdi], eax', DATA_ADDRESS + 0x4000n, 0n, 'write'],
    ['read-modify-write of read-only data', 'lock add [rdi], eax', DATA_ADDRESS + 0x4000n, 0n, 'write'],
    ['end of a mapping', 'mov [rdi], rax', DATA_ADDRESS + 0x4ffdn, 3n, 'write'],
    ['start of a mapping', 'mov rax, [rdi]', DATA_ADDRESS - 3n, 0n, 'read'],
    ['right offset, wrong region', 'mov rax, [rdi]', 0xffff_9999_9000_0000n, 0n, 'read'],
    ['null', 'mov rax, [rdi+8]', 0n, 8n, 'read'],
    ['push', 'mov rsp, rdi\npush rax', 0x1000n, -8n, 'write'],
  ])('faults on %s', (_, text, address, plus, access) => {
    const m = machine();
    m.space.map(DATA + 0x4000, 0x1000, access === 'write' && plus !== 3n ? PAGE_KERNEL_RO : PAGE_KERNEL);
    m.load(`${text}\nret`);
    m.cpu.set(RDI, address);
    const exit = m.call();
    const expected = { vector: 'PF', address: BigInt.asUintN(64, address + plus), access };
    expect(exit).toEqual({ kind: 'exception', exception: expected });
    expect(m.space.load32(DATA + 0x3ffc)).toBe(0);
  });

  it('restarts rep movs where it faulted', () => {
    const m = machine();
    m.load('rep movsq\nret');
    m.cpu.set(RSI, DATA_ADDRESS);
    m.cpu.set(RDI, DATA_ADDRESS + 0x3f80n);
    m.cpu.set(RCX, 100n);
    m.space.bytes.fill(7, DATA, DATA + 0x100);
    const exit = m.call();
    const address = DATA_ADDRESS + 0x4000n;
    expect(exit).toEqual({ kind: 'exception', exception: { vector: 'PF', address, access: 'write' } });
    expect(m.cpu.get(RCX)).toBe(84n);
    expect(m.cpu.get(RDI)).toBe(address);
    expect(m.cpu.rip).toBe(CODE_ADDRESS);
    m.space.map(DATA + 0x4000, 0x1000, PAGE_KERNEL);
    expect(m.cpu.run()).toEqual(returned);
    expect(m.cpu.get(RCX)).toBe(0n);
    expect(m.space.load8(DATA + 0x3f80)).toBe(7);
  });

  it('checks ranges of accesses precisely', () => {
    const m = machine();
    // The first access is good, the second is not.
    m.load('mov rax, [rdi]\nadd rsi, 1\nmov rcx, [rdi+0x800]\nret');
    m.cpu.set(RDI, DATA_ADDRESS + 0x3ff0n);
    m.cpu.set(RSI, 5n);
    m.space.store64(DATA + 0x3ff0, 77n);
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { address: DATA_ADDRESS + 0x47f0n } });
    expect(m.cpu.get(RAX)).toBe(77n);
    expect(m.cpu.get(RSI)).toBe(6n);
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 7n);
  });

  it('notices a stack that is taken away during a call', () => {
    const m = machine();
    m.space.map(STACK + 0x10_0000, 0x1000, PAGE_KERNEL);
    const top = m.space.toAddress(STACK + 0x10_1000);
    m.cpu.bindHost(HOST, () => m.space.protect(STACK + 0x10_0000, 0x1000, PAGE_KERNEL_RO));
    m.load(`push rbx\npush rbp\n${HOST_CALL}\nmov [rsp], rax\nret`);
    m.prepare();
    m.cpu.set(RSP, top - 64n);
    expect(m.cpu.run()).toMatchObject({ kind: 'exception', exception: { vector: 'PF', access: 'write' } });
    expect(m.cpu.get(RSP)).toBe(top - 80n);
  });
});

describe('code cache', () => {
  it('keeps translations for later processors, and in a store', () => {
    const stored = new Map<string, Uint8Array[]>();
    let saved = 0;
    const store = {
      load: (key: string) => stored.get(key) ?? [],
      save(key: string, entry: Uint8Array) {
        saved++;
        stored.set(key, [...(stored.get(key) ?? []), entry]);
      },
      flush: () => undefined,
    };
    const runWith = (codeCache: CodeCache): bigint => {
      const m = machine({ codeCache });
      m.load(SUM);
      m.cpu.bindHost(HOST, () => undefined);
      m.cpu.set(RDI, 4n);
      expect(m.call()).toEqual(returned);
      return m.cpu.get(RAX);
    };
    const cache = new CodeCache(store);
    expect(runWith(cache)).toBe(10n);
    const made = saved;
    expect(made).toBeGreaterThan(0);
    expect(runWith(cache)).toBe(10n);
    expect(runWith(new CodeCache(store))).toBe(10n);
    expect(saved).toBe(made);
  });
});

describe('functions copied into their caller', () => {
  const LOOP = `
    push rbx
    mov ebx, 10
    1: call 2f
    dec ebx
    jnz 1b
    pop rbx
    ret
    2: add rax, 1
    mov rcx, [rdi]
    add rdi, rsi
    ret`;

  it('fault precisely', () => {
    const m = machine();
    m.load(LOOP);
    m.cpu.set(RAX, 0n);
    m.cpu.set(RDI, DATA_ADDRESS + 0x4000n - 40n);
    m.cpu.set(RSI, 8n);
    const address = DATA_ADDRESS + 0x4000n;
    expect(m.call()).toEqual({ kind: 'exception', exception: { vector: 'PF', address, access: 'read' } });
    expect(m.cpu.get(RAX)).toBe(6n);
    expect(m.cpu.get(3)).toBe(5n);
    // The kernel maps the page and goes on.
    m.space.map(DATA + 0x4000, 0x1000, PAGE_KERNEL);
    expect(m.cpu.run()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(10n);
  });

  it('check page-crossing accesses, and are dropped when patched', () => {
    const m = machine();
    m.load(LOOP);
    for (const step of [1, 2]) {
      m.load(`add rax, ${step}`, 0x11);
      m.cpu.set(RAX, 0n);
      m.cpu.set(RDI, DATA_ADDRESS + 0xff0n);
      m.cpu.set(RSI, 3n);
      expect(m.call()).toEqual(returned);
      expect(m.cpu.get(RAX)).toBe(BigInt(10 * step));
    }
  });
});

describe('write protection of the kernel (CR0.WP)', () => {
  const READ_ONLY = DATA + 0x4000;
  const STORE = 'mov [rdi], rsi\nmov rax, [rdi]\nret';

  function withReadOnlyPage(): TestMachine {
    const m = machine();
    m.space.map(READ_ONLY, 0x1000, PAGE_KERNEL_RO);
    m.load(STORE);
    m.cpu.setPtr(RDI, READ_ONLY);
    m.cpu.set(RSI, 7n);
    return m;
  }

  it('makes read-only pages so for the kernel, and lets it write to them once it is off', () => {
    const m = withReadOnlyPage();
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { access: 'write' } });
    m.space.writeProtect = false;
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(7n);
    m.space.writeProtect = true;
    expect(m.call()).toMatchObject({ kind: 'exception', exception: { access: 'write' } });
  });

  it('says the same of pages that are mapped meanwhile', () => {
    const m = withReadOnlyPage();
    m.space.writeProtect = false;
    m.space.map(READ_ONLY + 0x1000, 0x1000, PAGE_KERNEL_RO);
    m.cpu.setPtr(RDI, READ_ONLY + 0x1000);
    expect(m.call()).toEqual(returned);
    m.space.writeProtect = true;
    expect(m.call()).toMatchObject({ kind: 'exception' });
  });

  it('has code that was written to meanwhile translated anew', () => {
    const m = withReadOnlyPage();
    m.load('mov eax, 1\nret', 0x100);
    expect([m.call(0x100), m.cpu.get(RAX)]).toEqual([returned, 1n]);
    m.space.writeProtect = false;
    m.cpu.setPtr(RDI, CODE + 0x101);
    m.cpu.set(RSI, 0xc3_0000_0002n);
    expect(m.call()).toEqual(returned);
    m.space.writeProtect = true;
    expect([m.call(0x100), m.cpu.get(RAX)]).toEqual([returned, 2n]);
  });
});
