import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURE = new URL('./assembled.json', import.meta.url);

const readFixture = (): Record<string, string> =>
  existsSync(FIXTURE) ? JSON.parse(readFileSync(FIXTURE, 'utf8')) : {};
const fixture = readFixture();

/** Test files run in processes of their own, which may end at any time: each addition is written at once. */
function remember(key: string, code: Uint8Array): void {
  fixture[key] = Buffer.from(code).toString('base64');
  if (!process.env['MODBOX_UPDATE']) return;
  const all = Object.entries({ ...readFixture(), [key]: fixture[key] }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(FIXTURE, `${JSON.stringify(Object.fromEntries(all), null, 1)}\n`);
}

/** Whether this machine can assemble. */
export function haveAssembler(): boolean {
  try {
    execFileSync('as', ['--version'], { stdio: 'ignore' });
    execFileSync('ld', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Machine code of Intel-syntax assembly linked at `address`. Results are kept in assembled.json, so that
 * tests also run where there is no assembler; MODBOX_UPDATE=1 adds new ones to it.
 */
export function assemble(source: string, address: bigint): Uint8Array {
  const key = `${address.toString(16)}\n${source}`;
  const known = fixture[key];
  if (known !== undefined) return new Uint8Array(Buffer.from(known, 'base64'));
  const code = runAssembler(source, address);
  remember(key, code);
  return code;
}

/** Assembles and links without looking at the fixture. */
export function runAssembler(source: string, address: bigint): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'modbox-as-'));
  try {
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('a.s'), `.intel_syntax noprefix\n.text\n${source}\n`);
    execFileSync('as', ['-o', path('a.o'), path('a.s')], { stdio: ['ignore', 'ignore', 'inherit'] });
    const at = `-Ttext=0x${BigInt.asUintN(64, address).toString(16)}`;
    execFileSync('ld', [at, '-e', '0', '--oformat', 'binary', '-o', path('a.bin'), path('a.o')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Uint8Array(readFileSync(path('a.bin')));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
