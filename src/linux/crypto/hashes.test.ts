import { createHash, createHmac } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { loadBundled } from '../../target/node/index.js';
import { newerTarget } from '../../testing/targets.js';
import { isErr, ptrErr } from '../errors.js';
import { type Guest, guest } from '../testing/guest.js';
import { ScatterWalks } from './scatterwalk.js';

const targets = [loadBundled(), await newerTarget()].filter((target) => target !== undefined);
const MESSAGE = Uint8Array.from({ length: 300 }, (_, i) => i * 7);

for (const target of targets)
  describe(`hashes that are built into ${target.release}`, () => {
    let g: Guest;
    const builtIn = (option: string): boolean => target.config.get(option) === 'y';
    const names = ['md5', 'sha1', 'sha224', 'sha256'];
    if (builtIn('CONFIG_CRYPTO_SHA512')) names.push('sha384', 'sha512');
    if (builtIn('CONFIG_CRYPTO_SHA3')) names.push('sha3-224', 'sha3-256', 'sha3-384', 'sha3-512');

    beforeAll(() => {
      g = guest({}, target);
    });

    const memory = (bytes: Uint8Array): Ptr => {
      const at = g.k.slab.allocateBytes(bytes.length + 8, true);
      g.k.space.writable(at, bytes.length).set(bytes);
      return at;
    };
    const hex = (at: Ptr, length: number): string =>
      Buffer.from(g.k.space.bytes.slice(at, at + length)).toString('hex');
    const shash = (name: string): Ptr => g.call.crypto_alloc_shash(g.k.constantString(name), 0, 0);
    const free = (kind: 'crypto_shash' | 'crypto_ahash', at: Ptr): void => {
      g.call.crypto_destroy_tfm(at, g.k.struct(kind).addr(at, 'base'));
    };
    const descOf = (tfm: Ptr): Ptr => {
      const bytes = g.k.sizeOf('shash_desc') + g.k.struct('crypto_shash').get(tfm, 'descsize');
      const desc = g.k.slab.allocateBytes(bytes, true);
      g.k.struct('shash_desc').set(desc, 'tfm', tfm);
      return desc;
    };

    it.each(names)('%s is that of node:crypto, at once and in pieces', (name) => {
      const tfm = shash(name);
      const wanted = createHash(name).update(MESSAGE).digest('hex');
      const [data, out] = [memory(MESSAGE), memory(new Uint8Array(64))];
      expect(g.call.crypto_shash_tfm_digest(tfm, data, MESSAGE.length, out)).toBe(0);
      expect(hex(out, wanted.length / 2)).toBe(wanted);
      const desc = descOf(tfm);
      g.k.space.writable(out, 64).fill(0);
      const { call } = g;
      expect(g.run(() => g.k.struct('shash_alg').call(algOf(tfm), 'init', desc))).toBe(0);
      for (let at = 0; at < 297; at += 27) expect(call.crypto_shash_update(desc, data + at, 27)).toBe(0);
      expect(call.crypto_shash_finup(desc, data + 297, 3, out)).toBe(0);
      expect(hex(out, wanted.length / 2)).toBe(wanted);
      free('crypto_shash', tfm);
    });

    const algOf = (tfm: Ptr): Ptr =>
      g.k
        .struct('shash_alg')
        .of(g.k.struct('crypto_tfm').get(g.k.struct('crypto_shash').addr(tfm, 'base'), '__crt_alg'), 'base');

    it('a state that is exported goes on in another descriptor', () => {
      const tfm = shash('sha256');
      const type = g.k.struct('shash_alg');
      const [first, second] = [descOf(tfm), descOf(tfm)];
      const [data, state, out] = [memory(MESSAGE), memory(new Uint8Array(512)), memory(new Uint8Array(32))];
      g.run(() => type.call(algOf(tfm), 'init', first));
      g.call.crypto_shash_update(first, data, 100);
      g.run(() => type.call(algOf(tfm), 'export', first, state));
      g.run(() => type.call(algOf(tfm), 'import', second, state));
      g.call.crypto_shash_finup(second, data + 100, 200, out);
      expect(hex(out, 32)).toBe(createHash('sha256').update(MESSAGE).digest('hex'));
      free('crypto_shash', tfm);
    });

    it.each(
      names.flatMap((name) => [
        [name, 10],
        [name, 200],
      ]) as [string, number][],
    )('hmac(%s) with a key of %i bytes', (name, length) => {
      const tfm = shash(`hmac(${name})`);
      expect(isErr(tfm)).toBe(false);
      const key = Uint8Array.from({ length }, (_, i) => i);
      const [data, out] = [memory(MESSAGE), memory(new Uint8Array(64))];
      expect(g.call.crypto_shash_tfm_digest(tfm, data, 3, out)).toBe(-126);
      expect(g.call.crypto_shash_setkey(tfm, memory(key), length)).toBe(0);
      expect(g.call.crypto_shash_tfm_digest(tfm, data, MESSAGE.length, out)).toBe(0);
      const wanted = createHmac(name, key).update(MESSAGE).digest('hex');
      expect(hex(out, wanted.length / 2)).toBe(wanted);
      free('crypto_shash', tfm);
    });

    it('a hash without a key refuses one, and still works', () => {
      const tfm = shash('sha1');
      const out = memory(new Uint8Array(20));
      expect(g.call.crypto_shash_setkey(tfm, memory(MESSAGE), 8)).toBe(-38);
      expect(g.call.crypto_shash_tfm_digest(tfm, out, 0, out)).toBe(0);
      expect(hex(out, 20)).toBe(createHash('sha1').digest('hex'));
      free('crypto_shash', tfm);
    });

    it('there is no hmac of a hash that wants a key, or of none', () => {
      expect(ptrErr(shash('hmac(hmac(sha256))'))).toBe(-2);
      expect(ptrErr(shash('hmac(nothing)'))).toBe(-2);
    });

    /** A request over pieces of the message, by what inline functions of that kernel do. */
    const requestOf = (hash: Ptr, pieces: readonly number[], out: Ptr): Ptr => {
      const { k } = g;
      const { table } = k.get(ScatterWalks);
      const list = k.slab.allocateBytes(pieces.length * table.entryBytes, true);
      table.init(list, pieces.length);
      let from = 0;
      pieces.forEach((length, i) => {
        table.setBuffer(list + i * table.entryBytes, memory(MESSAGE.subarray(from, from + length)), length);
        from += length;
      });
      const type = k.struct('ahash_request');
      const request = k.slab.allocateBytes(type.size + k.struct('crypto_ahash').get(hash, 'reqsize'), true);
      type.set(request, 'base.tfm', k.struct('crypto_ahash').addr(hash, 'base'));
      type.set(request, 'src', list);
      type.set(request, 'nbytes', from);
      type.set(request, 'result', out);
      return request;
    };
    const ask = (hash: Ptr, operation: string, request: Ptr): number => {
      const view = g.k.struct('crypto_ahash');
      return view.has(operation)
        ? g.run(() => view.call(hash, operation, request))
        : g.call[`crypto_ahash_${operation}`](request);
    };

    it('an asynchronous hash over a synchronous one finishes at once', () => {
      const out = memory(new Uint8Array(64));
      for (const [name, wanted] of [
        ['sha256', createHash('sha256')],
        ['hmac(sha1)', createHmac('sha1', 'a key')],
      ] as const) {
        const hash = g.call.crypto_alloc_ahash(g.k.constantString(name), 0, 0);
        expect(isErr(hash)).toBe(false);
        const request = requestOf(hash, [3, 200, 1, 96], out);
        if (name.startsWith('hmac')) {
          expect(g.call.crypto_ahash_digest(request)).toBe(-126);
          expect(g.call.crypto_ahash_setkey(hash, memory(Buffer.from('a key')), 5)).toBe(0);
        } else expect(g.call.crypto_ahash_setkey(hash, out, 5)).toBe(-38);
        const digest = wanted.update(MESSAGE).digest('hex');
        expect(g.call.crypto_ahash_digest(request)).toBe(0);
        expect(hex(out, digest.length / 2)).toBe(digest);
        g.k.space.writable(out, 64).fill(0);
        expect(ask(hash, 'init', request)).toBe(0);
        expect(ask(hash, 'update', request)).toBe(0);
        expect(g.call.crypto_ahash_final(request)).toBe(0);
        expect(hex(out, digest.length / 2)).toBe(digest);
        free('crypto_ahash', hash);
      }
    });

    it('gives back all that it took', () => {
      const kernel = g.k;
      const count = (): number => {
        const hash = g.call.crypto_alloc_ahash(kernel.constantString('hmac(sha256)'), 0, 0);
        free('crypto_ahash', hash);
        return kernel.ledger.bytes;
      };
      const before = count();
      expect(count()).toBe(before);
      expect(g.reports()).toEqual([]);
    });
  });
