import { createCipheriv } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';
import { corpusTree } from '../../testing/corpus.js';
import { newerTarget } from '../../testing/targets.js';
import { isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { ScatterTable } from '../lib/scatterlist/table.js';
import { guest } from '../testing/guest.js';

const root = await corpusTree();
const newer = await newerTarget();
const KEY = Uint8Array.from({ length: 16 }, (_, i) => 3 * i + 1);
const IV = Uint8Array.from({ length: 16 }, (_, i) => 250 - i);
const TEXT = Uint8Array.from({ length: 64 }, (_, i) => i ^ 0x55);
const PIECES = [7, 20, 37] as const;

describe.skipIf(root === undefined)('ciphers over the aes that is built in', () => {
  let machine: Machine;
  let k: LinuxKernel;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root ?? '') });
    k = machine.kernel;
  });

  const memory = (bytes: Uint8Array): Ptr => {
    const at = k.slab.allocateBytes(bytes.length + 32, true);
    k.space.writable(at, bytes.length).set(bytes);
    return at;
  };
  const call = (name: string, ...args: (number | bigint)[]): number =>
    Number(BigInt.asIntN(32, machine.call(k.fn(name), ...args)));
  const allocate = (kind: string, name: string): Ptr =>
    k.space.fromAddress(machine.call(k.fn(`crypto_alloc_${kind}`), k.constantString(name), 0n, 0n));

  /** Data in pieces, with room for a tag behind it. */
  const pieces = (data: Uint8Array): { readonly list: Ptr; read(): Buffer } => {
    const table = new ScatterTable(k.space, k.struct('scatterlist'), k.sizeOf('page'));
    const list = k.slab.allocateBytes(4 * table.entryBytes, true);
    table.init(list, 4);
    let from = 0;
    const parts = [...PIECES, 16].map((length, i) => {
      const at = memory(data.subarray(from, from + length));
      table.setBuffer(list + i * table.entryBytes, at, length);
      from += length;
      return { at, length };
    });
    const read = (): Buffer =>
      Buffer.concat(parts.map(({ at, length }) => k.space.bytes.slice(at, at + length)));
    return { list, read };
  };

  const request = (kind: 'skcipher' | 'aead', tfm: Ptr, list: Ptr, iv: Ptr): Ptr => {
    const type = k.struct(`${kind}_request`);
    const reqsize = kind === 'aead' ? k.struct('crypto_aead').get(tfm, 'reqsize') : 512;
    const at = k.slab.allocateBytes(type.size + reqsize, true);
    type.set(at, 'cryptlen', TEXT.length);
    type.set(at, 'iv', iv);
    type.set(at, 'src', list);
    type.set(at, 'dst', list);
    type.set(at, 'base.tfm', k.struct(`crypto_${kind}`).addr(tfm, 'base'));
    return at;
  };

  it.each([
    ['cbc(aes)', 'aes-128-cbc'],
    ['ecb(aes)', 'aes-128-ecb'],
    ['ctr(aes)', 'aes-128-ctr'],
  ])('%s, of the kernel or of a module, over scattered data', (name, algorithm) => {
    const tfm = allocate('skcipher', name);
    expect(isErr(tfm)).toBe(false);
    expect(call('crypto_skcipher_setkey', tfm, memory(KEY), 16n)).toBe(0);
    const { list, read } = pieces(TEXT);
    const ivAt = memory(IV);
    expect(call('crypto_skcipher_encrypt', request('skcipher', tfm, list, ivAt))).toBe(0);
    const cipher = createCipheriv(algorithm, KEY, algorithm.endsWith('ecb') ? null : IV);
    cipher.setAutoPadding(false);
    expect(read().subarray(0, 64).toString('hex')).toBe(cipher.update(TEXT).toString('hex'));
    k.space.writable(ivAt, 16).set(IV);
    expect(call('crypto_skcipher_decrypt', request('skcipher', tfm, list, ivAt))).toBe(0);
    expect(read().subarray(0, 64)).toEqual(Buffer.from(TEXT));
    machine.call(k.fn('crypto_destroy_tfm'), tfm, k.struct('crypto_skcipher').addr(tfm, 'base'));
  });

  it('gcm(aes), of modules over an asynchronous hash', () => {
    const tfm = allocate('aead', 'gcm(aes)');
    expect(isErr(tfm)).toBe(false);
    expect(call('crypto_aead_setkey', tfm, memory(KEY), 16n)).toBe(0);
    expect(call('crypto_aead_setauthsize', tfm, 16n)).toBe(0);
    const { list, read } = pieces(TEXT);
    expect(call('crypto_aead_encrypt', request('aead', tfm, list, memory(IV)))).toBe(0);
    const cipher = createCipheriv('aes-128-gcm', KEY, IV.subarray(0, 12));
    const wanted = Buffer.concat([cipher.update(TEXT), cipher.final(), cipher.getAuthTag()]);
    expect(read().toString('hex')).toBe(wanted.toString('hex'));
    machine.call(k.fn('crypto_destroy_tfm'), tfm, k.struct('crypto_aead').addr(tfm, 'base'));
  });

  it('nothing is reported', () => {
    expect(k.traps.reports).toEqual([]);
  });
});

describe('what changes nothing', () => {
  it('copies, shared by all who ask for it', () => {
    const g = guest();
    const first = g.call.crypto_get_default_null_skcipher();
    expect(g.call.crypto_get_default_null_skcipher()).toBe(first);
    g.call.crypto_put_default_null_skcipher();
    g.call.crypto_put_default_null_skcipher();
    const hash = g.call.crypto_alloc_shash(g.k.constantString('digest_null'), 0, 0);
    expect(g.call.crypto_shash_setkey(hash, hash, 5)).toBe(0);
    expect(g.call.crypto_shash_tfm_digest(hash, hash, 5, hash)).toBe(0);
    expect(g.reports()).toEqual([]);
  });
});

describe('what is built into the kernel and not here', () => {
  it('stops by name, and what the kernel has not is not there', () => {
    const g = guest();
    expect(() => g.call.crypto_alloc_akcipher(g.k.constantString('rsa'), 0, 0)).toThrow(
      /rsa.*CONFIG_CRYPTO_RSA/,
    );
    expect(isErr(g.call.crypto_alloc_shash(g.k.constantString('sha3-256'), 0, 0))).toBe(true);
  });

  it.skipIf(newer === undefined)('is what the configuration of each kernel says', () => {
    const g = guest({}, newer);
    const { call, k } = g;
    expect(() => call.crypto_alloc_skcipher(k.constantString('cbc(aes)'), 0, 0)).toThrow(/CONFIG_CRYPTO_CBC/);
    expect(() => call.crypto_alloc_shash(k.constantString('crct10dif'), 0, 0)).toThrow(/CRCT10DIF/);
  });
});
