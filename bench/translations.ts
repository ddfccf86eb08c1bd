/**
 * npm run bench:translations [-- MODULE...]
 *
 * `modbox run MODULE` without stored translations, with an empty folder of them, and with what that left: processor time of the whole
 * process, the least of ROUNDS (5), which are taken in turns. The folder is a temporary one; targets are those of the user.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/bundle/cli/main.js', import.meta.url));
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const given = process.argv.slice(2);
const modules =
  given.length > 0 ? given : [fileURLToPath(new URL('../tests/modules/hello.ko', import.meta.url))];

const cache = mkdtempSync(join(tmpdir(), 'modbox-bench-'));
const folder = join(cache, 'modbox');
const users = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'modbox');

/** Processor time of a run in ms, as the shell's `times` tells of its children. */
function run(module: string, translations: 'on' | 'off'): number {
  const command = `"${process.execPath}" "${MAIN}" run ${JSON.stringify(module)} >&2; times`;
  const env = { ...process.env, XDG_CACHE_HOME: cache, MODBOX_TRANSLATIONS: translations };
  const { stdout } = spawnSync('sh', ['-c', command], { env, encoding: 'utf8' });
  const [user, system] = stdout.trim().split('\n')[1].split(' ').map(milliseconds);
  return user + system;
}

function milliseconds(text: string): number {
  const [minutes, seconds] = text.split('m');
  return Number(minutes) * 60_000 + Number.parseFloat(seconds) * 1000;
}

function stored(): { readonly files: number; readonly bytes: number } {
  const sizes = readdirSync(join(folder, 'translations')).map(
    (name) => statSync(join(folder, 'translations', name)).size,
  );
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

try {
  spawnSync('mkdir', ['-p', folder]);
  symlinkSync(join(users, 'targets'), join(folder, 'targets'));
  console.log(
    'module                    without     empty    stored  files      bytes   (ms of processor time)',
  );
  for (const module of modules) {
    const best = [Infinity, Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(join(folder, 'translations'), { recursive: true, force: true });
      const times = [run(module, 'off'), run(module, 'on'), run(module, 'on')];
      times.forEach((time, i) => {
        best[i] = Math.min(best[i], time);
      });
    }
    const { files, bytes } = stored();
    const columns = [...best.map((time) => time.toFixed(0).padStart(10)), String(files).padStart(7)];
    console.log(`${module.split('/').at(-1)!.padEnd(23)}${columns.join('')}${String(bytes).padStart(11)}`);
  }
} finally {
  rmSync(cache, { recursive: true });
}
