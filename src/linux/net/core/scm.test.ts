import { expect, it } from 'vitest';
import { guest } from '../../testing/guest.js';

const SOL_SOCKET = 1;
const SCM = 29;
const MSG_CTRUNC = 8;

it('control messages follow one another at words, and the last is cut where there is no more room', () => {
  const { k, call, struct, reports } = guest();
  const control = k.permanent(64);
  const msg = struct.msghdr({ msg_control: control, msg_controllen: 42 });
  const data = k.permanent(16);
  k.space.bytes.fill(7, data, data + 12);
  const type = k.struct('msghdr');
  expect(call.put_cmsg(msg, SOL_SOCKET, SCM, 4, data)).toBe(0);
  expect([type.get(msg, 'msg_control') - control, type.get(msg, 'msg_controllen')]).toEqual([24, 18]);
  const words = (at: number): number[] => [0, 8, 12].map((offset) => k.space.load32(at + offset));
  expect(words(control)).toEqual([20, SOL_SOCKET, SCM]);
  expect([...k.space.readable(control + 16, 8)]).toEqual([7, 7, 7, 7, 0, 0, 0, 0]);
  expect(call.put_cmsg(msg, SOL_SOCKET, SCM, 12, data)).toBe(0);
  expect(words(control + 24)).toEqual([18, SOL_SOCKET, SCM]);
  expect([...k.space.readable(control + 40, 4)]).toEqual([7, 7, 0, 0]);
  expect([type.get(msg, 'msg_controllen'), type.get(msg, 'msg_flags')]).toEqual([0, MSG_CTRUNC]);
  expect(call.put_cmsg(msg, SOL_SOCKET, SCM, 4, data)).toBe(0);
  expect(reports()).toEqual([]);
});
