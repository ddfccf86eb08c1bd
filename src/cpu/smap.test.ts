import { describe, expect, it } from 'vitest';
import { PAGE_KERNEL } from './address-space.js';
import { RAX, RCX, RDI, RSI } from './cpu-types.js';
import { DATA_ADDRESS, machine, type TestMachine } from './testing/machine.js';
import { USER } from './testing/memory-map.js';

const PAGE = USER.start + 0x10_0000;
const ADDRESS = 0x7ffe_f010_0000n;
const HOST = 0x0200_0000;
const HOST_CALL = 'call 0xffffffff82000000';
const returned = { kind: 'returned' };
const fault = (access: string, address = ADDRESS): object => ({
  kind: 'exception',
  exception: { vector: 'PF', access, address },
});

/** RDI points to a user page that begins with 7, RSI to kernel memory. */
function withUserPage(source: string): TestMachine {
  const m = machine();
  m.space.map(PAGE, 0x1000, PAGE_KERNEL);
  m.space.store64(PAGE, 7n);
  m.space.user.protected = true;
  m.load(source);
  m.cpu.set(RDI, ADDRESS);
  m.cpu.set(RSI, DATA_ADDRESS);
  return m;
}

describe('user memory with SMAP', () => {
  it.each([
    ['read', 'mov rax, [rdi]\nret'],
    ['write', 'mov [rdi], rax\nret'],
    ['read', 'movdqu xmm0, [rdi]\nret'],
    ['read', 'mov ecx, 8\nmov rax, rdi\nmov rdi, rsi\nmov rsi, rax\nrep movsb\nret'],
    ['write', 'mov ecx, 8\nrep stosb\nret'],
    ['write', 'lock cmpxchg16b [rdi]\nret'],
  ])('is a fault to %s outside of stac and clac: %s', (access, source) => {
    expect(withUserPage(source).call()).toMatchObject(fault(access));
  });

  it('is there between stac and clac, and no longer after', () => {
    const m = withUserPage('stac\nmov rax, [rdi]\nmov [rdi], rsi\nclac\nmov rcx, [rdi]\nret');
    expect(m.call()).toMatchObject(fault('read'));
    expect(m.cpu.get(RAX)).toBe(7n);
    expect(m.space.user.within(() => m.space.load64(PAGE))).toBe(DATA_ADDRESS);
  });

  it('is there where popf sets the flag, and in what is called meanwhile', () => {
    const m = withUserPage(
      `pushfq\npushfq\nor qword ptr [rsp], 0x40000\npopfq\n${HOST_CALL}\nmov rax, [rdi]\npopfq\nmov rcx, [rdi]\nret`,
    );
    let seen = 0n;
    m.cpu.bindHost(HOST, () => {
      seen = m.space.load64(PAGE);
    });
    expect(m.call()).toMatchObject(fault('read'));
    expect([seen, m.cpu.get(RAX)]).toEqual([7n, 7n]);
  });

  it('is checked again in a block after the flag went, although one pointer is used throughout', () => {
    const m = withUserPage(
      'stac\nmov rax, [rdi]\nmov rcx, [rdi+8]\nclac\nmov rax, [rdi]\nmov rcx, [rdi+8]\nret',
    );
    for (let i = 0; i < 3; i++) {
      m.cpu.rflags = 2n;
      expect(m.call()).toMatchObject(fault('read'));
    }
  });

  it('belongs to the flag of the task that runs', () => {
    const m = withUserPage('mov rax, [rdi]\nret');
    const without = m.cpu.saveContext();
    m.cpu.rflags |= 0x4_0000n;
    const with_ = m.cpu.saveContext();
    m.cpu.loadContext(without);
    expect(m.call()).toMatchObject(fault('read'));
    m.cpu.loadContext(with_);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(7n);
  });

  it('opens and closes pages that come and go meanwhile', () => {
    const m = withUserPage('mov rax, [rdi]\nret');
    m.cpu.rflags |= 0x4_0000n;
    m.space.map(PAGE + 0x1000, 0x1000, PAGE_KERNEL);
    m.cpu.set(RDI, ADDRESS + 0xffcn);
    expect(m.call()).toEqual(returned);
    m.space.unmap(PAGE, 0x1000);
    m.cpu.set(RDI, ADDRESS + 0x1000n);
    expect(m.call()).toEqual(returned);
    m.cpu.rflags = 2n;
    expect(m.call()).toMatchObject(fault('read', ADDRESS + 0x1000n));
    m.cpu.rflags |= 0x4_0000n;
    m.cpu.set(RDI, ADDRESS);
    expect(m.call()).toMatchObject(fault('read'));
  });

  it('is out of reach of the base kernel too, but for copies that say so', () => {
    const { space } = withUserPage('ret');
    expect(() => space.load64(PAGE)).toThrow();
    expect(space.canRead(PAGE)).toBe(false);
    expect([space.user.canRead(PAGE, 4096), space.user.canRead(PAGE, 4097)]).toEqual([true, false]);
    expect(space.user.within(() => space.load64(PAGE))).toBe(7n);
    expect(() => space.load64(PAGE)).toThrow();
  });

  it('is memory like any other where CR4.SMAP is off', () => {
    const m = withUserPage('mov rax, [rdi]\nmov rcx, [rdi]\nclac\nmov rax, [rdi]\nret');
    m.space.user.protected = false;
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RCX)).toBe(7n);
  });
});
