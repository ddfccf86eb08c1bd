import { expect, it } from 'vitest';
import { guest } from '../testing/guest.js';
import { O_APPEND, O_DIRECT, O_DSYNC, O_SYNC_ONLY } from './flags.js';
import { iocbFlags } from './iocb-flags.js';

const { k, struct } = guest();
const SB_SYNCHRONOUS = 16;
const [APPEND, DIRECT, DSYNC, SYNC] = [1 << 4, 1 << 17, 1 << 1, 1 << 2];

function openOn(f_flags: number, s_flags = 0, i_flags = 0): number {
  const host = struct.inode!({ i_flags, i_sb: struct.super_block!({ s_flags }) });
  return struct.file!({ f_flags, f_mapping: struct.address_space!({ host }) });
}

it.each([
  ['none', openOn(0), 0],
  ['O_APPEND', openOn(O_APPEND), APPEND],
  ['O_DIRECT | O_DSYNC', openOn(O_DIRECT | O_DSYNC), DIRECT | DSYNC],
  ['O_SYNC', openOn(O_DSYNC | O_SYNC_ONLY), DSYNC | SYNC],
  ['a synchronous file system', openOn(0, SB_SYNCHRONOUS), DSYNC],
  ['a synchronous inode', openOn(0, 0, 1), DSYNC],
])('reads and writes begin with the flags of %s', (_name, file, flags) => {
  expect(iocbFlags(k, file)).toBe(flags);
});
