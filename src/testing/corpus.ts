/**
 * Real packages for tests: unpacked once into the user's cache, from ../shared/corpus where that exists, else
 * fetched with apt-get. Without either a test that needs one is to be skipped, except in CI, where it fails.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Debian 12's kernel, the one of the bundled target. */
export const CORPUS_RELEASE = '6.1.0-53-amd64';
/** A newer kernel, for what has to hold for any target; Debian 12 has it in its security archive. */
const NEWER_PACKAGE = /^linux-image-6\.12\.\d+\+deb\d+-amd64-unsigned$/;
/** The same kernel configured otherwise: without most drivers, and with PREEMPT_RT. */
export type Flavour = 'cloud' | 'rt';

const SHARED = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));

/** Where packages, unpacked or not, and what is made of them are kept for tests. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'modbox', 'corpus');
}

/** The root of the unpacked linux-image package of {@link CORPUS_RELEASE}: boot/ and lib/modules/. */
export async function corpusTree(): Promise<string | undefined> {
  return packageTree(`linux-image-${CORPUS_RELEASE}`);
}

/** The linux-image package itself. */
export async function corpusPackage(): Promise<string | undefined> {
  return debOf(`linux-image-${CORPUS_RELEASE}`);
}

/** The kernel's headers package, with Module.symvers and what building modules needs. */
export async function corpusHeaders(): Promise<string | undefined> {
  return packageTree(`linux-headers-${CORPUS_RELEASE}`);
}

/** The root of an unpacked 6.12 kernel package. */
export async function newerTree(): Promise<string | undefined> {
  const name = newerPackage();
  return name === undefined ? missing('a linux-image-6.12 package') : packageTree(name);
}

/** The root of the unpacked linux-image package of {@link CORPUS_RELEASE} in another configuration. */
export async function flavourTree(flavour: Flavour): Promise<string | undefined> {
  return packageTree(`linux-image-${CORPUS_RELEASE.replace(/amd64$/, `${flavour}-amd64`)}`);
}

/** The root of a Debian package, unpacked; undefined where it cannot be had (in CI that is an error). */
export async function packageTree(name: string): Promise<string | undefined> {
  const unpacked = inFolder(cacheFolder(), name, (entry) => !entry.endsWith('.deb'));
  if (unpacked !== undefined) return unpacked;
  const deb = await debOf(name);
  if (deb === undefined) return undefined;
  const tree = join(cacheFolder(), basename(deb, '.deb'));
  const partial = `${tree}.${process.pid}.partial`;
  mkdirSync(cacheFolder(), { recursive: true });
  try {
    execFileSync('dpkg-deb', ['-x', deb, partial], { stdio: 'pipe' });
    renameSync(partial, tree);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(tree)) return missing(name, error);
  }
  return tree;
}

async function debOf(name: string): Promise<string | undefined> {
  const isDeb = (entry: string): boolean => entry.endsWith('.deb');
  const debs = join(cacheFolder(), 'debs');
  const found = inFolder(SHARED, name, isDeb) ?? inFolder(debs, name, isDeb);
  if (found !== undefined) return found;
  try {
    mkdirSync(debs, { recursive: true });
    execFileSync('apt-get', ['download', name], { cwd: debs, stdio: 'pipe', timeout: 240_000 });
  } catch (error) {
    return missing(name, error);
  }
  return inFolder(debs, name, isDeb) ?? missing(name);
}

function newerPackage(): string | undefined {
  const known = [cacheFolder(), join(cacheFolder(), 'debs')].flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder) : [],
  );
  const here = known.map((entry) => entry.split('_')[0]).find((name) => NEWER_PACKAGE.test(name));
  if (here !== undefined) return here;
  try {
    const all = execFileSync('apt-cache', ['pkgnames', 'linux-image-6.12'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return all.split('\n').find((name) => NEWER_PACKAGE.test(name));
  } catch {
    return undefined;
  }
}

/** `NAME_VERSION_ARCH` in a folder. */
function inFolder(folder: string, name: string, matches: (entry: string) => boolean): string | undefined {
  if (!existsSync(folder)) return undefined;
  const entry = readdirSync(folder).find(
    (e) => e.startsWith(`${name}_`) && !e.endsWith('.partial') && matches(e),
  );
  return entry && join(folder, entry);
}

function missing(name: string, cause?: unknown): undefined {
  if (process.env.CI === 'true' || process.env.CI === '1') {
    throw new Error(`${name}: neither in ${SHARED} nor to be fetched with apt-get`, { cause });
  }
  return undefined;
}
