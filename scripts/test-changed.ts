/**
 * npm run test:changed [-- REVISION]
 *
 * The fast loop: the tests beside what was changed since a revision (by default since the last commit, and what is not committed),
 * and those of the boundary to guest code.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const revision = process.argv[2] ?? 'HEAD';
const git = (...args: string[]): string[] =>
  execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
const changed = [
  ...git('diff', '--name-only', revision),
  ...git('ls-files', '--others', '--exclude-standard'),
];
const sources = changed.filter((file) => file.startsWith('src/') && file.endsWith('.ts'));

/** A file's own test; else those of the nearest folder, from its own up, that has some. */
function testsBeside(file: string): string[] {
  const own = file.endsWith('.test.ts') ? file : file.replace(/\.ts$/, '.test.ts');
  if (existsSync(own)) return [own];
  for (let folder = dirname(file); folder !== 'src' && folder !== '.'; folder = dirname(folder)) {
    const tests = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test.ts')) : [];
    if (tests.length > 0) return tests.map((name) => join(folder, name));
  }
  return [];
}

const tests = [...new Set(sources.flatMap(testsBeside))].filter((file) => !file.includes('acceptance/'));
if (sources.length === 0) {
  console.log(`nothing below src has changed since ${revision}`);
  process.exit(0);
}
console.log(`${sources.length} files changed, ${tests.length} test files beside them`);
const run = spawnSync('npx', ['vitest', 'run', ...tests, 'src/linux/abi/'], { stdio: 'inherit' });
process.exit(run.status ?? 1);
