import { beforeAll, describe, expect, it } from 'vitest';
import type { Sleepable } from '../../../kernel/effects.js';
import { Machine } from '../../../machine/linux/machine.js';
import type { LinuxTarget } from '../../../target/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { AsyncCalls } from './async.js';

describe('asynchronous calls', () => {
  let target: LinuxTarget;

  beforeAll(() => {
    target = loadBundled();
  });

  function boot() {
    const machine = Machine.boot({ target });
    const { kernel: k } = machine;
    const { exports } = k.get(AsyncCalls);
    const log: string[] = [];
    const domain = (registered: boolean): number => {
      const type = k.struct('async_domain');
      const at = k.slab.allocateBytes(type.size, true);
      type.set(at, 'registered', Number(registered));
      return at;
    };
    const fn = (name: string, body: () => Sleepable<void>): number =>
      k.exports.hostFunction(name, 'v:pL', function* () {
        yield* body();
        log.push(name);
      });
    const run = (body: () => Sleepable<void>): boolean => {
      const { hangs } = machine.process('test', function* () {
        yield* body();
        return 0;
      });
      return !hangs;
    };
    return { exports, log, domain, fn, run };
  }

  it('one of a domain may wait for another domain', () => {
    const { exports, log, domain, fn, run } = boot();
    const [scan, probe] = [domain(true), domain(false)];
    const probing = fn('probing', function* () {});
    const scanning = fn('scanning', function* () {
      exports.async_schedule_node_domain(probing, 0, 0, probe);
      yield* exports.async_synchronize_full_domain(probe);
    });
    expect(
      run(function* () {
        exports.async_schedule_node_domain(scanning, 0, 0, scan);
        yield* exports.async_synchronize_full_domain(scan);
      }),
    ).toBe(true);
    expect(log).toEqual(['probing', 'scanning']);
  });

  it('waiting for everything does not wait for a domain that is not registered', () => {
    const { exports, log, domain, fn, run } = boot();
    const own = domain(false);
    const waiting = fn('waiting', function* () {
      yield* exports.async_synchronize_full();
    });
    expect(
      run(function* () {
        exports.async_schedule_node_domain(waiting, 0, 0, own);
        yield* exports.async_synchronize_full_domain(own);
      }),
    ).toBe(true);
    expect(log).toEqual(['waiting']);
  });

  it('a cookie is waited for up to the calls before it', () => {
    const { exports, log, fn, run } = boot();
    const first = fn('first', function* () {});
    expect(
      run(function* () {
        exports.async_schedule_node(first, 0, 0);
        const cookie = exports.async_schedule_node(
          fn('second', () => exports.async_synchronize_cookie(2)),
          0,
          0,
        );
        expect(cookie).toBe(2);
        yield* exports.async_synchronize_full();
      }),
    ).toBe(true);
    expect(log).toEqual(['first', 'second']);
  });
});
