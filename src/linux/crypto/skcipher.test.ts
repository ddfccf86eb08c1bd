import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';
import { corpusTree } from '../../testing/corpus.js';
import type { LinuxKernel } from '../kernel.js';
import { ScatterTable } from '../lib/scatterlist/table.js';

const root = await corpusTree();
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe.skipIf(root === undefined)('pcbc(fcrypt), an instance of two modules', () => {
  let machine: Machine;
  let k: LinuxKernel;
  let tfm: Ptr;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root ?? '') });
    k = machine.kernel;
    tfm = k.space.fromAddress(
      machine.call(k.fn('crypto_alloc_skcipher'), k.constantString('pcbc(fcrypt)'), 0n, 0n),
    );
  });

  const memory = (bytes: Uint8Array): Ptr => {
    const at = k.slab.allocateBytes(Math.max(bytes.length, 8), true);
    k.space.writable(at, bytes.length).set(bytes);
    return at;
  };

  const call = (name: string, ...args: (number | bigint)[]): number =>
    Number(BigInt.asIntN(32, machine.call(k.fn(name), ...args)));

  /** Runs a request over pieces of memory, in place; what the pieces then hold. */
  function run(
    operation: 'encrypt' | 'decrypt',
    iv: string,
    data: Uint8Array,
    pieces: readonly number[],
  ): string {
    const table = new ScatterTable(k.space, k.struct('scatterlist'), k.sizeOf('page'));
    const list = k.slab.allocateBytes(pieces.length * table.entryBytes, true);
    table.init(list, pieces.length);
    let from = 0;
    const parts = pieces.map((length, i) => {
      const at = memory(data.subarray(from, from + length));
      table.setBuffer(list + i * table.entryBytes, at, length);
      from += length;
      return { at, length };
    });
    const type = k.struct('skcipher_request');
    const request = k.slab.allocateBytes(type.size, true);
    type.set(request, 'cryptlen', data.length);
    type.set(request, 'iv', memory(hex(iv)));
    type.set(request, 'src', list);
    type.set(request, 'dst', list);
    type.set(request, 'base.tfm', k.struct('crypto_skcipher').addr(tfm, 'base'));
    expect(call(`crypto_skcipher_${operation}`, request)).toBe(0);
    return parts
      .map(({ at, length }) => Buffer.from(k.space.bytes.slice(at, at + length)).toString('hex'))
      .join('');
  }

  it('wants a key of the right size', () => {
    const request = k.slab.allocateBytes(k.sizeOf('skcipher_request'), true);
    k.struct('skcipher_request').set(request, 'base.tfm', k.struct('crypto_skcipher').addr(tfm, 'base'));
    expect(call('crypto_skcipher_encrypt', request)).toBe(-126);
    expect(call('crypto_skcipher_setkey', tfm, memory(new Uint8Array(8)), 7n)).toBe(-22);
  });

  it('encrypts as the vectors of OpenAFS say', () => {
    expect(call('crypto_skcipher_setkey', tfm, memory(new Uint8Array(8)), 8n)).toBe(0);
    expect(run('encrypt', '0000000000000000', new Uint8Array(8), [8])).toBe('0e0900c73ef7ed41');
    expect(call('crypto_skcipher_setkey', tfm, memory(hex('114477aadd003366')), 8n)).toBe(0);
    expect(run('encrypt', '0000000000000000', hex('123456789abcdef0'), [8])).toBe('d8ed787477ec0680');
  });

  it('blocks that cross pieces of memory give the same', () => {
    const data = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
    const whole = run('encrypt', 'fedcba9876543210', data, [64]);
    expect(run('encrypt', 'fedcba9876543210', data, [3, 20, 1, 40])).toBe(whole);
    const back = run('decrypt', 'fedcba9876543210', hex(whole), [30, 34]);
    expect(back).toBe(Buffer.from(data).toString('hex'));
  });

  it('refuses half a block', () => {
    expect(() => run('encrypt', '0000000000000000', new Uint8Array(12), [12])).toThrow();
  });

  it('is given back with its modules', () => {
    machine.call(k.fn('crypto_destroy_tfm'), tfm, k.struct('crypto_skcipher').addr(tfm, 'base'));
    for (const name of ['pcbc', 'fcrypt']) machine.rmmod(name);
    expect(machine.kernel.traps.reports).toEqual([]);
  });
});
