import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { WithModules } from '../testing/with-modules.js';
import { Mbufs } from './kern-mbuf.js';
import { MbufChains } from './uipc-mbuf.js';
import { MbufCopies } from './uipc-mbuf-copy.js';
import { MbufTags } from './uipc-mbuf2.js';

const machine = new WithModules();
const { k } = machine;
const mbufs = k.get(Mbufs);
const chains = k.get(MbufChains);
const copies = k.get(MbufCopies);
const type = k.struct('mbuf');
const buffer = k.permanent(8192);
// What the first process takes for ever is none of mbufs'.
machine.run(() => packetless());
const WAIT = k.macro('M_WAITOK');

function* packetless(): Sleepable<void> {
  yield { kind: 'yield' };
}

/** A packet of so many bytes, which count up from 0. */
function* packet(bytes: number): Sleepable<Ptr> {
  const m = yield* mbufs.get(WAIT, k.macro('MT_DATA'), k.macro('M_PKTHDR'));
  k.space.writable(buffer, bytes).set(Uint8Array.from({ length: bytes }, (_, i) => i & 0xff));
  yield* chains.copyback(m, 0, bytes, buffer);
  return m;
}

function content(m: Ptr): number[] {
  const length = chains.length(m);
  chains.copydata(m, 0, length, buffer);
  return [...k.space.readable(buffer, length)];
}

const counting = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => (from + i) & 0xff);

/** Runs it, and sees that everything that was allocated meanwhile is freed again. */
function clean<T>(body: () => Sleepable<T>): T {
  const before = [...k.ledger.since(0)].length;
  const result = machine.run(body);
  expect([...k.ledger.since(0)].length).toBe(before);
  return result;
}

describe('mbuf(9)', () => {
  it('copyback makes the chain as long as it takes', () => {
    const [length, bytes] = clean(function* () {
      const m = yield* packet(5000);
      const result = [type.get(m, 'm_pkthdr.len'), content(m)] as const;
      yield* mbufs.freem(m);
      return result;
    });
    expect(length).toBe(5000);
    expect(bytes).toEqual(counting(0, 5000));
  });

  it('adj cuts off the front and the end', () => {
    const bytes = clean(function* () {
      const m = yield* packet(600);
      chains.exports.m_adj(m, 300);
      chains.exports.m_adj(m, -100);
      const result = content(m);
      yield* mbufs.freem(m);
      return result;
    });
    expect(bytes).toEqual(counting(300, 500));
  });

  it('pullup brings the first bytes together, and gives the chain up where it is too short', () => {
    const result = clean(function* () {
      const m = yield* packet(300);
      const pulled = yield* chains.pullup(m, 120, 0);
      const seen = [type.get(pulled, 'm_len') >= 120, content(pulled)] as const;
      const none = yield* chains.pullup(pulled, 150, 300);
      return [...seen, none] as const;
    });
    expect(result).toEqual([true, counting(0, 300), 0]);
  });

  it('prepend keeps the header first', () => {
    const [flags, length] = clean(function* () {
      const m = yield* packet(100);
      const longer = yield* chains.prepend(m, 14, WAIT);
      const seen = [
        type.get(longer, 'm_flags') & k.macro('M_PKTHDR'),
        type.get(longer, 'm_pkthdr.len'),
      ] as const;
      yield* mbufs.freem(longer);
      return seen;
    });
    expect([flags, length]).toEqual([k.macro('M_PKTHDR'), 114]);
  });

  it('split cuts in two packets', () => {
    const [first, second] = clean(function* () {
      const m = yield* packet(1000);
      const tail = yield* chains.exports.m_split(m, 700, WAIT);
      const seen = [content(m), content(tail)] as const;
      yield* mbufs.freem(m);
      yield* mbufs.freem(tail);
      return seen;
    });
    expect(first).toEqual(counting(0, 700));
    expect(second).toEqual(counting(700, 1000));
  });

  it('copym shares clusters, which go with their last user; dup does not share', () => {
    const [copy, own] = clean(function* () {
      const m = yield* packet(3000);
      const shared = yield* copies.exports.m_copym(m, 100, 1000, WAIT);
      const dup = yield* copies.exports.m_dup(m, WAIT);
      yield* mbufs.freem(m);
      const seen = [content(shared), content(dup)] as const;
      yield* mbufs.freem(shared);
      yield* mbufs.freem(dup);
      return seen;
    });
    expect(copy).toEqual(counting(100, 1100));
    expect(own).toEqual(counting(0, 3000));
  });

  it('tags go with the packet, and with its copy', () => {
    const found = clean(function* () {
      const m = yield* packet(10);
      const tags = k.get(MbufTags).exports;
      const tag = tags.m_tag_alloc(77, 3, 8, WAIT);
      k.space.storePtr(type.addr(m, 'm_pkthdr.tags'), tag);
      const dup = yield* copies.exports.m_dup(m, WAIT);
      const result = [tags.m_tag_locate(m, 77, 3, 0) === tag, tags.m_tag_locate(dup, 77, 3, 0) !== 0];
      yield* mbufs.freem(m);
      yield* mbufs.freem(dup);
      return result;
    });
    expect(found).toEqual([true, true]);
  });
});
