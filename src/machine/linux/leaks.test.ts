import { expect, it } from 'vitest';
import { debianRun } from './testing/debian-run.js';

it('what the loader allocates for a module that stays is no leak of one that went', async ({ skip }) => {
  const report = await debianRun('async_pq');
  if (!report) return skip('needs the kernel package');
  expect(report.left).not.toEqual([]);
  expect(report.leaks).toEqual([]);
}, 60_000);

it('init memory that another module’s init had used before is of who has used it since', async ({ skip }) => {
  const report = await debianRun('dm-verity');
  if (!report) return skip('needs the kernel package');
  expect(report.left).toEqual(['dm_mod']);
  expect(report.leaks).toEqual([]);
}, 60_000);

it('a keyring of a module’s own credentials goes with them', async ({ skip }) => {
  const report = await debianRun('dns_resolver');
  if (!report) return skip('needs the kernel package');
  expect(report.leaks).toEqual([]);
}, 60_000);
