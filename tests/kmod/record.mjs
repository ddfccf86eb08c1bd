#!/usr/bin/env node
// Asks kmod 34's modprobe the questions of cases.mjs, and writes its answers to expected.json; with --tree makes the
// index of the tree again, too.
//
//   KMOD=DIR node record.mjs [--tree]      DIR: with kmod 34's modprobe and depmod
//
// Needs Linux and leave to make a mount namespace (unshare -rm): modprobe reads /proc/cmdline.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cases } from './cases.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const kmod = process.env.KMOD;
if (!kmod) throw new Error('KMOD is not set');
const release = '6.1.0-53-amd64';
const work = mkdtempSync(join(tmpdir(), 'modbox-kmod-'));
const tree = join(work, 'tree/lib/modules', release);
mkdirSync(join(tree, 'extra'), { recursive: true });
for (const name of ['hello', 'importer', 'exporter', 'params', 'sleeper']) copyFileSync(join(here, '../modules', `${name}.ko`), join(tree, 'extra', `${name}.ko`));
if (process.argv.includes('--tree')) {
  writeFileSync(join(tree, 'modules.builtin'), 'kernel/fs/built-in-one.ko\n');
  writeFileSync(join(tree, 'modules.builtin.modinfo'), 'built_in_one.alias=fancy-builtin-*\0built_in_one.license=GPL\0');
  execFileSync(join(kmod, 'depmod'), ['-b', join(work, 'tree'), release]);
  mkdirSync(join(here, 'tree'), { recursive: true });
  for (const name of readdirSync(tree)) if (name.startsWith('modules.')) copyFileSync(join(tree, name), join(here, 'tree', name));
} else for (const name of readdirSync(join(here, 'tree'))) copyFileSync(join(here, 'tree', name), join(tree, name));
cpSync(join(here, 'config'), join(work, 'config'), { recursive: true });

const tidy = (text) => text.replaceAll(work, '@').replaceAll(`${kmod}/`, '');
const expected = {};
for (const [name, { config, cmdline, runs }] of Object.entries(cases)) {
  expected[name] = runs.map((run) => {
    const args = [...config.flatMap((path) => ['-C', `config/${path}`]), '-d', 'tree', '-S', release, ...run];
    const script = 'mount --bind "$1" /proc/cmdline; shift; exec "$@"';
    const line = cmdline ? join(work, 'config', cmdline) : '/dev/null';
    const { status, stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', line, join(kmod, 'modprobe'), ...args], { cwd: work, encoding: 'utf8' });
    return { run, exit: status, stdout: tidy(stdout), stderr: tidy(stderr) };
  });
}
writeFileSync(join(here, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`);
rmSync(work, { recursive: true });
