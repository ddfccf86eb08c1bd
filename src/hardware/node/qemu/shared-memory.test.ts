import { mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedMemory } from './shared-memory.js';

const BYTES = 0x10_0000;

describe('memory that a machine and a device share', () => {
  let folder = '';
  let file = 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'modbox-shared-'));
    writeFileSync(join(folder, 'memory'), '');
    truncateSync(join(folder, 'memory'), BYTES);
    file = openSync(join(folder, 'memory'), 'r+');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const device = (at: number, count: number): number[] => {
    const bytes = Buffer.alloc(count);
    readSync(file, bytes, 0, count, at);
    return [...bytes];
  };
  const deviceWrites = (at: number, ...bytes: number[]): void =>
    void writeSync(file, Uint8Array.from(bytes), 0, bytes.length, at);

  it('is given when it is mapped, and nothing beside it', () => {
    const memory = new Uint8Array(BYTES).fill(7);
    new SharedMemory(file).sync(memory, [{ address: 0x100, size: 4 }]);
    expect(device(0xfe, 8)).toEqual([0, 0, 7, 7, 7, 7, 0, 0]);
  });

  it('takes what either side has changed, byte by byte', () => {
    const memory = new Uint8Array(BYTES);
    const shared = new SharedMemory(file);
    const ring = [{ address: 0x2000, size: 16 }];
    shared.sync(memory, ring);
    memory[0x2001] = 1;
    deviceWrites(0x2000, 9);
    deviceWrites(0x2002, 8);
    shared.sync(memory, ring);
    expect([...memory.subarray(0x2000, 0x2004)]).toEqual([9, 1, 8, 0]);
    expect(device(0x2000, 4)).toEqual([9, 1, 8, 0]);
    memory[0x2000] = 0;
    shared.sync(memory, ring);
    expect([memory[0x2000], ...device(0x2000, 1)]).toEqual([0, 0]);
  });

  it('forgets what is mapped no longer', () => {
    const memory = new Uint8Array(BYTES);
    const shared = new SharedMemory(file);
    shared.sync(memory, [{ address: 0x3000, size: 4 }]);
    shared.sync(memory, []);
    deviceWrites(0x3000, 5);
    shared.sync(memory, []);
    expect(memory[0x3000]).toBe(0);
    memory[0x3000] = 6;
    shared.sync(memory, [{ address: 0x3000, size: 4 }]);
    expect(device(0x3000, 1)).toEqual([6]);
  });

  it('may be larger than what is read at once, and mapped twice', () => {
    const memory = new Uint8Array(3 << 20);
    const shared = new SharedMemory(file);
    const all = [
      { address: 0x8000, size: 0x18_0000 },
      { address: 0x9000, size: 16 },
    ];
    shared.sync(memory, all);
    deviceWrites(0x9000, 3);
    deviceWrites(0x10_8000, 4);
    memory[0x9001] = 2;
    shared.sync(memory, all);
    expect([memory[0x9000], memory[0x10_8000], ...device(0x9001, 1)]).toEqual([3, 4, 2]);
  });
});
