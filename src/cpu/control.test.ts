import { describe, expect, it } from 'vitest';
import { PAGE_KERNEL } from './address-space.js';
import { type Exit, HOST_RETURN, RAX, RDI, RSI, RSP } from './cpu-types.js';
import { CodeCache } from './runtime/code-cache.js';
import { CODE_ADDRESS, DATA, DATA_ADDRESS, machine, STACK, type TestMachine } from './testing/machine.js';

const HOST = 0x0200_0000;
const HOST_CALL = 'call 0xffffffff82000000';
const returned = { kind: 'returned' };

/** What a kernel does to finish a host call that unwound: pop the return address and go on. */
function resume(m: TestMachine, result: bigint): Exit {
  const rsp = m.cpu.get(RSP);
  m.cpu.rip = m.space.load64(m.space.fromAddress(rsp));
  m.cpu.set(RSP, rsp + 8n);
  m.cpu.set(RAX, result);
  return m.cpu.run();
}

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

describe('leaving and resuming', () => {
  it('unwinds at any depth and goes on from there', () => {
    const m = machine();
    m.load(SUM);
    m.cpu.bindHost(HOST, () => m.cpu.unwind());
    m.cpu.set(RDI, 40n);
    let exit = m.call();
    let unwound = 0;
    while (exit.kind === 'unwound') {
      unwound++;
      exit = resume(m, 0n);
    }
    expect(exit).toEqual(returned);
    expect(unwound).toBe(41);
    expect(m.cpu.get(RAX)).toBe(820n);
  });

  it('gives the same result however often fuel runs out', () => {
    const source = `
      push rbx
      mov ebx, 5
      xor eax, eax
      2: mov rcx, rdi
      clc
      1: adc rax, [rsi]
      lea rsi, [rsi+8]
      dec rcx
      jnz 1b
      adc rax, 0
      push rax
      call 3f
      pop rcx
      add rax, rcx
      mov rsi, rdx
      dec ebx
      jnz 2b
      pop rbx
      ret
      3: lea rax, [rax+rax*2]
      ret`;
    const runWith = (fuel: number): [bigint, number] => {
      const m = machine();
      m.load(source);
      for (let i = 0; i < 8; i++)
        m.space.store64(DATA + i * 8, (0xf123_4567_89ab_cdefn * BigInt(i + 1)) & 0xffff_ffff_ffff_ffffn);
      m.cpu.set(RDI, 8n);
      m.cpu.set(RSI, DATA_ADDRESS);
      m.cpu.set(2, DATA_ADDRESS);
      m.prepare();
      for (let exits = 0; ; exits++) {
        m.cpu.fuel = fuel;
        const exit = m.cpu.run();
        if (exit.kind === 'returned') return [m.cpu.get(RAX), exits];
        expect(exit).toEqual({ kind: 'budget' });
      }
    };
    const [result, none] = runWith(1e9);
    expect(none).toBe(0);
    for (const fuel of [1, 2, 3, 5, 7, 11, 13, 17, 29, 50, 100]) {
      const [value, exits] = runWith(fuel);
      expect(value).toBe(result);
      expect(exits).toBeGreaterThan(0);
    }
  });

  it('counts instructions repeatably, with and without a warm cache', () => {
    const codeCache = new CodeCache();
    const count = (): number => {
      const m = machine({ codeCache });
      m.load(SUM);
      m.cpu.bindHost(HOST, () => undefined);
      m.cpu.set(RDI, 30n);
      expect(m.call()).toEqual(returned);
      return m.cpu.executed;
    };
    const first = count();
    expect(first).toBeGreaterThan(200);
    expect(count()).toBe(first);
  });

  it('recurses deeper than the host stack allows', () => {
    const m = machine();
    m.space.map(STACK + 0x10_0000, 0x40_0000, PAGE_KERNEL);
    m.load(SUM);
    m.cpu.bindHost(HOST, () => undefined);
    m.prepare();
    const top = STACK + 0x50_0000 - 64;
    m.space.store64(top, HOST_RETURN);
    m.cpu.setPtr(RSP, top);
    m.cpu.set(RDI, 20000n);
    expect(m.cpu.run()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(200010000n);
  });

  it('turns endless recursion into a fault on the guard page', () => {
    const m = machine();
    m.load('f: push rax\ncall f\nret');
    const exit = m.call();
    expect(exit).toMatchObject({ kind: 'exception', exception: { vector: 'PF', access: 'write' } });
    expect(m.cpu.get(RSP) & 0xfffn).toBe(0n);
    expect(m.cpu.get(RSP)).toBe(m.space.toAddress(STACK));
  });

  it('lets host functions run guest code, and keeps outer frames when that fails', () => {
    const m = machine();
    m.load(`push rbx\nmov ebx, 9\n${HOST_CALL}\nadd rax, rbx\npop rbx\nret`);
    m.load('mov eax, 5\nret', 0x100);
    m.load('mov ebx, 1\nmov rax, [0]\nret', 0x200);
    const inner = (offset: bigint): Exit => {
      const context = m.cpu.saveContext();
      const rsp = m.cpu.get(RSP) - 64n;
      m.cpu.set(RSP, rsp);
      m.space.store64(m.space.fromAddress(rsp), HOST_RETURN);
      m.cpu.rip = CODE_ADDRESS + offset;
      const exit = m.cpu.run();
      const rax = m.cpu.get(RAX);
      m.cpu.loadContext(context);
      m.cpu.set(RAX, rax);
      return exit;
    };
    const exits: Exit[] = [];
    m.cpu.bindHost(HOST, () => {
      exits.push(inner(0x200n));
      exits.push(inner(0x100n));
    });
    expect(m.call()).toEqual(returned);
    expect(exits.map((exit) => exit.kind)).toEqual(['exception', 'returned']);
    expect(m.cpu.get(RAX)).toBe(14n);
  });

  it('passes on what host functions throw, and can be used afterwards', () => {
    const m = machine();
    m.load(`${HOST_CALL}\nret`);
    m.cpu.bindHost(HOST, () => {
      throw new Error('from the host');
    });
    expect(() => m.call()).toThrow('from the host');
    m.cpu.bindHost(HOST, () => m.cpu.set(RAX, 3n));
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(3n);
  });

  it('survives host functions that nest without end', () => {
    const m = machine();
    m.load(`${HOST_CALL}\nret`);
    let last: Exit | undefined;
    m.cpu.bindHost(HOST, () => {
      m.cpu.rip = CODE_ADDRESS;
      const exit = m.cpu.run();
      last ??= exit;
      m.cpu.unwind();
    });
    m.call();
    expect(last).toMatchObject({ kind: 'exception' });
  });
});

describe('control flow', () => {
  it('handles irreducible graphs', () => {
    const m = machine();
    // Two entries into a loop, and flags that are live across its edges.
    m.load(`
      xor eax, eax
      test edi, 1
      jz 2f
      1: add rax, 3
      sub rdi, 1
      2: jle 3f
      add rax, 1
      sub rdi, 1
      jmp 1b
      3: ret`);
    const expected = (n: number): bigint => {
      let rax = 0n;
      let rdi = n;
      let flags = rdi & 1;
      let at = rdi & 1 ? 1 : 2;
      for (;;) {
        if (at === 1) {
          rax += 3n;
          rdi -= 1;
          flags = rdi;
        }
        if (flags <= 0) return rax;
        rax += 1n;
        rdi -= 1;
        at = 1;
      }
    };
    for (const n of [0, 1, 2, 3, 6, 9, 51]) {
      m.cpu.set(RDI, BigInt(n));
      expect(m.call()).toEqual(returned);
      expect(m.cpu.get(RAX)).toBe(expected(n));
    }
  });

  it('follows thunks', () => {
    const m = machine();
    const thunk = (at: number, kind: Parameters<typeof m.cpu.setThunk>[1]): void => m.cpu.setThunk(at, kind);
    thunk(0x0100_0000, { kind: 'return' });
    thunk(0x0100_0100, { kind: 'indirect', register: RAX });
    thunk(0x0100_0200, { kind: 'nothing' });
    m.load(`
      call 0xffffffff81000200
      lea rax, [rip+1f]
      call 0xffffffff81000100
      cmp eax, 7
      je 0xffffffff81000000
      mov eax, 1
      jmp 0xffffffff81000000
      1: mov eax, 7
      jmp 0xffffffff81000000`);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(7n);
  });

  it('jumps between functions and back into the middle of one', () => {
    const m = machine();
    m.load(
      'push rbx\nmov ebx, 2\ntest edi, edi\njnz 0xffffffffc0000800\nadd ebx, 1\n1: mov eax, ebx\npop rbx\nret',
    );
    m.load('imul ebx, ebx, 50\njmp 0xffffffffc0000011', 0x800);
    m.cpu.set(RDI, 1n);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(100n);
    m.cpu.set(RDI, 0n);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(3n);
  });

  it('notices a callee that moves the stack pointer', () => {
    const m = machine();
    m.load(`
      push 11
      push 22
      call 1f
      pop rax
      ret
      1: ret 8`);
    expect(m.call()).toEqual(returned);
    expect(m.cpu.get(RAX)).toBe(11n);
  });

  it('does not decode past calls that never return', () => {
    const m = machine();
    m.cpu.setNoReturn(HOST);
    m.cpu.bindHost(HOST, () => m.cpu.unwind());
    m.load(`${HOST_CALL}\n.byte 0x06, 0x06`);
    expect(m.call()).toEqual({ kind: 'unwound' });
  });

  it.each([
    ['no region', 0x1234_5678_9abcn],
    ['null', 0n],
    ['data', DATA_ADDRESS],
    ['not canonical', 0x8000_0000_0000_0000n],
    ['unmapped text', CODE_ADDRESS + 0x10_0000n],
  ])('faults on a call to %s', (_, address) => {
    const m = machine();
    m.load('call rax\nret');
    m.cpu.set(RAX, address);
    const exit = m.call();
    expect(exit).toEqual({ kind: 'exception', exception: { vector: 'PF', address, access: 'execute' } });
    expect(m.cpu.rip).toBe(address);
  });

  it('faults where code runs off its last page', () => {
    const m = machine({}, 1);
    m.loadBytes(new Uint8Array(16).fill(0x90), 0xff0);
    expect(m.call(0xff0)).toEqual({
      kind: 'exception',
      exception: { vector: 'PF', address: CODE_ADDRESS + 0x1000n, access: 'execute' },
    });
  });

  it('names what it does not translate', () => {
    const m = machine();
    m.load('mov eax, 1\nfldpi\nret');
    const exit = m.call();
    expect(exit).toMatchObject({ kind: 'exception', exception: { vector: 'UD' } });
    if (exit.kind === 'exception') expect(exit.exception.unimplemented).toBeTruthy();
    expect(m.cpu.rip).toBe(CODE_ADDRESS + 5n);
    m.load('ud2');
    expect(m.call()).toEqual({ kind: 'exception', exception: { vector: 'UD' } });
  });
});

describe('charging', () => {
  it('takes fuel, and is no execution', () => {
    const m = machine();
    m.load('mov eax, 1\nret');
    const before = m.cpu.elapsed;
    m.cpu.charge(1000);
    expect(m.call()).toEqual({ kind: 'returned' });
    expect(m.cpu.executed).toBe(2);
    expect(m.cpu.elapsed - before).toBe(1002);
  });

  it('counts nothing where nothing runs, however much fuel there is', () => {
    const m = machine();
    m.cpu.charge(12_345);
    const { fuel } = m.cpu;
    m.cpu.fuel = 200_000;
    m.cpu.fuel = fuel;
    expect(m.cpu.executed).toBe(0);
  });
});
