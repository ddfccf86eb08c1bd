import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine, MachineError, MemoryFiles } from '../../index.js';
import { splitParameters } from './parameters.js';

const load = (name: string): Promise<Uint8Array> =>
  readFile(new URL(`../../../tests/modules/${name}.ko`, import.meta.url));

let cache: string;

beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'modbox-library-'));
  process.env.XDG_CACHE_HOME = cache;
});

afterAll(() => rmSync(cache, { recursive: true, force: true }));

function errorOf(body: () => unknown): MachineError {
  try {
    body();
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the library', () => {
  it('boots the bundled kernel if it is told nothing', async () => {
    const machine = Machine.boot();
    machine.insmod(await load('hello'), 'count=2');
    expect(machine.lsmod().map(({ name }) => name)).toEqual(['hello']);
  });

  it('gives modprobe several parameters, as insmod has them', async () => {
    const path = '/lib/modules/6.1.0-53-amd64/extra/hello.ko';
    const machine = Machine.boot({ files: new MemoryFiles([[path, await load('hello')]]) });
    machine.modprobe('hello', 'count=2 whom="two words"');
    expect(machine.dmesg().filter(({ text }) => text.includes('Hello, two words'))).toHaveLength(2);
  });

  it('loads a file without making an index of a tree that has none', async () => {
    let read = 0;
    const tree = new MemoryFiles([['/lib/modules/6.1.0-53-amd64/extra/exporter.ko', await load('exporter')]]);
    const files = {
      read: (path: string) => {
        if (path.endsWith('exporter.ko')) read++;
        return tree.read(path);
      },
      list: (path: string) => tree.list(path),
    };
    const machine = Machine.boot({ files });
    machine.insmod(await load('hello'));
    expect(read).toBe(0);
  });

  it('says in errors which errno it was', async () => {
    const machine = Machine.boot();
    const hello = await load('hello');
    machine.insmod(hello);
    const error = errorOf(() => machine.insmod(hello));
    expect(error).toMatchObject({ code: 'EEXIST', errno: 17, trace: [] });
    expect(errorOf(() => machine.fs.readFile('/none')).code).toBe('ENOENT');
  });

  it('says in errors which fault it was, and where', async () => {
    const machine = Machine.boot();
    const error = errorOf(() => undefinedCall(machine));
    expect(error.fault).toBeUndefined();
    const crash = await load('faulty_call_null');
    const oops = errorOf(() => machine.insmod(crash));
    expect(oops.fault).toMatchObject({ kind: 'null-dereference', module: 'faulty_call_null' });
    expect(oops.trace.join('\n')).toContain('faulty_init');
    expect(oops.message).toBe(`insmod: ${oops.fault?.message} at ${oops.fault?.at}`);
    expect(machine.faults()[0]).toEqual(oops.fault);
  });

  it('says in errors what is wrong with memory and functions that are asked for', async () => {
    const machine = Machine.boot();
    machine.insmod(await load('hello'));
    const unmapped = errorOf(() => machine.memory.read(0x10, 4));
    expect(unmapped).toMatchObject({ code: 'EFAULT', message: 'guest read of 4 bytes at 0x10' });
    const buffer = machine.memory.alloc(16);
    machine.memory.free(buffer);
    expect(errorOf(() => machine.memory.free(buffer)).code).toBe('EINVAL');
    expect(errorOf(() => machine.memory.alloc(1e12)).code).toBe('ENOMEM');
    expect(errorOf(() => machine.memory.alloc(-1)).code).toBe('EINVAL');
    expect(errorOf(() => machine.call('nothing'))).toMatchObject({ code: 'ENOENT', fault: undefined });
  });

  it('tells of log lines, of modules and of faults until nobody wants to know', async () => {
    const machine = Machine.boot();
    const told: string[] = [];
    const off = machine.on('log', ({ text }) => told.push(text));
    machine.on('module', ({ name, state }) => told.push(`${name} is ${state}`));
    machine.on('fault', ({ kind, module }) => told.push(`${kind} in ${module}`));
    const mark = machine.log.mark;
    machine.insmod(await load('hello'), 'whom=library');
    expect(told).toEqual(
      expect.arrayContaining(['hello is coming', 'hello: Hello, library.', 'hello is live']),
    );
    expect(told.filter((text) => !text.startsWith('hello is '))).toEqual(machine.log.linesSince(mark));
    off();
    told.length = 0;
    machine.rmmod('hello');
    errorOf(() => undefinedCall(machine));
    const crash = await load('faulty_call_null');
    errorOf(() => machine.insmod(crash));
    expect(told).toEqual([
      'hello is gone',
      'faulty_call_null is coming',
      'null-dereference in faulty_call_null',
    ]);
  });

  it('runs command lines in a shell, as its user or another', () => {
    const machine = Machine.boot();
    expect(machine.exec('cd /sys; pwd; ls /none')).toEqual({
      exit: 1,
      stdout: '/sys\n',
      stderr: expect.stringContaining('No such file'),
      hangs: false,
    });
    expect(machine.exec('pwd; exit 3')).toMatchObject({ exit: 3, stdout: '/\n' });
    expect(machine.as(1000, () => machine.exec('id -u').stdout)).toBe('1000\n');
    expect(machine.uid).toBe(0);
  });

  it('says what it is tainted with, and which boot parameters do nothing', async () => {
    const machine = Machine.boot({ cmdline: 'panic_on_warn=1' });
    machine.insmod(await load('hello'));
    expect(machine.taints.map(({ flag }) => flag)).toContain('O');
    expect(machine.complaints.join()).toMatch(/^$|not implemented/);
  });

  it('tells of what unloaded modules did not give back', async () => {
    const machine = Machine.boot();
    machine.insmod(await load('faulty_leak_kmalloc'));
    expect(machine.leaks()).toEqual([]);
    machine.rmmod('faulty_leak_kmalloc');
    expect(machine.leaks()).toMatchObject([
      { kind: 'slab', bytes: 5000, count: 5 },
      { kind: 'slab', bytes: 64, count: 1 },
    ]);
  });
});

function undefinedCall(machine: Machine): void {
  machine.rmmod('none');
}

describe('parameters', () => {
  it.each([
    ['', []],
    ['a=1  b=2', ['a=1', 'b=2']],
    ['a="x y" b', ['a="x y"', 'b']],
    ['"a=x y" b', ['"a=x y"', 'b']],
    ['a="x y', ['a="x y']],
  ])('%s', (text, words) => {
    expect(splitParameters(text)).toEqual(words);
  });
});
