import { describe, expect, it } from 'vitest';
import { assemble } from '../../cpu/testing/assemble.js';
import { block, type Sleepable, type Value } from '../../kernel/effects.js';
import type { ProbeEvent } from '../../kernel/probes.js';
import { writeExecutable } from './format.js';
import { MiniKernel } from './mini-kernel.js';
import { MiniMachine } from './mini-machine.js';

/** Where the first module's image comes to be. */
const BASE = 0xffff_f805_c000_1000n;
const CODE = 4096;
const IMPORTS = ['Print', 'PrintNumbers', 'Allocate', 'Free', 'Sleep', 'StartTask'];

/** An executable from assembly: slots of the imports by name, `data` in the first page, `start` at the beginning of the code. */
function executable(data: string, code: string, stop: string, imports = IMPORTS): Uint8Array {
  const slots = imports.map((name) => `${name}: .quad 0`).join('\n');
  const text = `${slots}\n${data}\n.org ${CODE}\nstart: ${code}\n.org ${CODE + 512}\nstop: ${stop}\n.org ${2 * CODE}`;
  return writeExecutable({ imports, start: CODE, stop: CODE + 512, image: assemble(text, BASE) });
}

/** An event, for a person to read. */
function textOf(event: ProbeEvent): string {
  switch (event.kind) {
    case 'called':
      return `called ${event.name ? `${event.name}(${event.words(1)})` : 'guest'} from ${event.from}`;
    case 'returned':
      return `${event.name || 'guest'} returned to ${event.to}`;
    case 'allocated':
    case 'freed':
      return `${event.kind} ${event.size} of ${event.memory}`;
    case 'switched':
      return `switched to ${event.to.name}`;
    case 'faulted':
      return `faulted: ${event.fault.message} in ${event.fault.module}`;
    default:
      return event.kind;
  }
}

const RETURN_DONE = 'xor eax, eax\nret';
const GREETS = 'sub rsp, 40\nlea rcx, [rip+hello]\ncall [rip+Print]\nadd rsp, 40\nxor eax, eax\nret';

describe('a second system in miniature', () => {
  it('loads a module, runs it by its own convention, and takes its memory back', () => {
    const kernel = new MiniKernel();
    const file = executable('hello: .asciz "hello from a module"', GREETS, RETURN_DONE);
    expect(kernel.load('greeter', file)).toBe('DONE');
    expect(kernel.log.linesFrom(0)).toEqual(['hello from a module']);
    expect(kernel.unload(kernel.modules[0])).toEqual([]);
    expect([kernel.modules, kernel.reports]).toEqual([[], []]);
  });

  it('gives variable arguments, in registers and behind the home space', () => {
    const kernel = new MiniKernel();
    const code = `sub rsp, 56
      mov ecx, 5
      mov edx, 1
      mov r8d, 2
      mov r9d, 3
      mov qword ptr [rsp+32], 4
      mov qword ptr [rsp+40], -5
      call [rip+PrintNumbers]
      add rsp, 56
      ${RETURN_DONE}`;
    kernel.load('numbers', executable('', code, RETURN_DONE));
    expect(kernel.log.linesFrom(0)).toEqual(['1 2 3 4 -5']);
  });

  it('runs tasks that sleep, and goes on meanwhile', () => {
    const kernel = new MiniKernel();
    const code = `sub rsp, 40
      lea rcx, [rip+job]
      call [rip+StartTask]
      lea rcx, [rip+hello]
      call [rip+Print]
      add rsp, 40
      ${RETURN_DONE}
      worker: push rbx
      sub rsp, 32
      mov rbx, rcx
      mov ecx, 20
      call [rip+Sleep]
      mov rcx, rbx
      call [rip+Print]
      add rsp, 32
      pop rbx
      ret`;
    const file = executable(
      'hello: .asciz "first"\nlate: .asciz "later"\n.align 8\njob: .quad worker, late, 5',
      code,
      RETURN_DONE,
    );
    kernel.load('sleeper', file);
    expect(kernel.log.linesFrom(0)).toEqual(['first']);
    kernel.unload(kernel.modules[0]);
    expect(kernel.log.linesFrom(0)).toEqual(['first', 'later']);
  });

  it('says what a module left allocated', () => {
    const kernel = new MiniKernel();
    const code = `sub rsp, 40\nmov ecx, 100\ncall [rip+Allocate]\nmov [rip+kept], rax\nmov ecx, 50\ncall [rip+Allocate]\nadd rsp, 40\n${RETURN_DONE}`;
    const stop = `sub rsp, 40\nmov rcx, [rip+kept]\ncall [rip+Free]\nadd rsp, 40\n${RETURN_DONE}`;
    kernel.load('keeper', executable('kept: .quad 0', code, stop));
    const [{ base }] = kernel.modules;
    const left = kernel.unload(kernel.modules[0]);
    expect(left.map(({ size }) => size)).toEqual([50]);
    expect(left[0].caller - base).toBeGreaterThan(CODE);
  });

  it('names the module and the place of a fault, of guest code and of what it had the kernel do', () => {
    const kernel = new MiniKernel();
    kernel.load('reader', executable('', `mov rax, [0x10]\n${RETURN_DONE}`, RETURN_DONE));
    kernel.load(
      'printer',
      executable('', `sub rsp, 40\nxor ecx, ecx\ncall [rip+Print]\nadd rsp, 40\n${RETURN_DONE}`, RETURN_DONE),
    );
    expect(kernel.reports).toEqual([
      { what: '#PF: read at 0x10', module: 'reader', offset: CODE },
      { what: 'Print: read at 0x0', module: 'printer', offset: expect.any(Number) },
    ]);
  });

  it('tells its probes of calls, also of its modules among themselves, of memory, of tasks and of faults', () => {
    const kernel = new MiniKernel();
    const told: string[] = [];
    kernel.probes.subscribe(
      ['called', 'returned', 'allocated', 'freed', 'switched', 'faulted'],
      (event) => void told.push(`${event.task?.name ?? '-'}: ${textOf(event)}`),
      'everywhere',
    );
    const code = `sub rsp, 40
      call inner
      mov rcx, rax
      call [rip+Free]
      mov rax, [0x10]
      inner: mov ecx, 100
      jmp [rip+Allocate]`;
    kernel.load('module', executable('', code, RETURN_DONE));
    expect(told.filter((line) => !line.endsWith('of stack'))).toEqual([
      '-: allocated 8192 of module',
      '-: switched to module',
      'module: called guest from kernel',
      'module: called guest from guest',
      'module: called Allocate(100) from guest',
      'module: allocated 100 of slab',
      // What a function jumps to returns in its place.
      'module: Allocate returned to guest',
      expect.stringMatching(/^module: called Free\([0-9]+\) from guest$/),
      'module: freed 100 of slab',
      'module: Free returned to guest',
      'module: faulted: #PF: read at 0x10 in module',
    ]);
  });

  it('refuses what wants a function that there is not, and what is no executable', () => {
    const kernel = new MiniKernel();
    expect(kernel.load('wanting', executable('', RETURN_DONE, RETURN_DONE, ['Fly']))).toBe(
      'NO_SUCH_FUNCTION',
    );
    expect(kernel.log.linesFrom(0)).toEqual(['wanting wants Fly, which there is not']);
    expect(() => kernel.load('text', new TextEncoder().encode('#!/bin/sh and more'))).toThrow(
      'no executable of MINI',
    );
  });

  it('is a machine: its functions are called, it tells of what happens, and a fault is an error', () => {
    const machine = new MiniMachine();
    const told: string[] = [];
    const off = machine.on('log', ({ text }) => told.push(text));
    machine.on('module', ({ name, state }) => told.push(`${name} is ${state}`));
    machine.on('fault', ({ message }) => told.push(message));
    const greeter = executable('hello: .asciz "hello"', GREETS, `mov rax, [0x10]\n${RETURN_DONE}`);
    machine.kernel.load('greeter', greeter);
    off();
    expect(machine.call('greeter.start')).toBe(0n);
    expect(machine.log.lines).toEqual(['hello', 'hello']);
    const fault = '#PF: read at 0x10';
    expect(() => machine.call('greeter.stop')).toThrow(`greeter.stop: ${fault} at greeter+0x1200`);
    expect(() => machine.call('nobody.start')).toThrow('no loaded module has a function nobody.start');
    expect(told).toEqual(['greeter is live', 'hello', fault]);
  });

  it('is a machine whose processes may sleep, and may hang', () => {
    const machine = new MiniMachine();
    const code = `sub rsp, 40\nmov ecx, 50\ncall [rip+Sleep]\nadd rsp, 40\n${RETURN_DONE}`;
    machine.kernel.load('sleeper', executable('', code, RETURN_DONE));
    const before = machine.kernel.clock.now;
    expect(machine.call('sleeper.start')).toBe(0n);
    expect(machine.kernel.clock.now - before).toBeGreaterThanOrEqual(50e6);
    const waits = function* (): Sleepable<Value> {
      for (;;) yield* block();
    };
    expect(machine.process('waits', waits)).toMatchObject({ hangs: true, exit: 137 });
    expect(machine.faults().at(-1)).toMatchObject({ message: 'hung', module: 'waits' });
  });
});
