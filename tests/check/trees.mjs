// Kernel packages of Debian, unpacked with a module index, and small trees for one module each, for record.mjs.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const cache = process.env.MODBOX_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'modbox');
const folders = [process.env.MODBOX_CORPUS, join(cache, 'corpus/debs'), join(cache, 'check/debs')].filter(Boolean);

function debOf(name) {
  const found = () => folders.filter(existsSync).flatMap((f) => readdirSync(f).filter((e) => e.startsWith(`${name}_`) && e.endsWith('.deb')).map((e) => join(f, e)))[0];
  if (found()) return found();
  const folder = join(cache, 'check/debs');
  mkdirSync(folder, { recursive: true });
  execFileSync('apt-get', ['download', name], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return found();
}

/** A kernel's package, unpacked once: `{ release, vmlinuz, root, modules, files }`, indexed by depmod. */
export function kernelPackage(name) {
  const deb = debOf(name);
  const root = join(cache, 'check', basename(deb, '.deb'));
  if (!existsSync(root)) {
    const partial = `${root}.${process.pid}.partial`;
    mkdirSync(dirname(root), { recursive: true });
    execFileSync('dpkg-deb', ['-x', deb, partial]);
    const [release] = readdirSync(join(partial, 'lib/modules'));
    execFileSync('depmod', ['-b', partial, release]);
    renameSync(partial, root);
  }
  const [release] = readdirSync(join(root, 'lib/modules'));
  const modules = join(root, 'lib/modules', release);
  const lines = (file) => readFileSync(join(modules, file), 'utf8').trim().split('\n');
  const exporters = new Map();
  for (const line of lines('modules.symbols')) {
    const [, symbol, module] = /^alias symbol:(\S+) (\S+)$/.exec(line) ?? [];
    if (symbol) exporters.set(symbol, module);
  }
  const files = lines('modules.dep').map((line) => line.split(':')[0]);
  const byName = new Map(files.map((file) => [moduleName(file), file]));
  return { package: basename(deb, '.deb'), release, root, modules, files, byName, exporters, vmlinuz: join(root, 'boot', `vmlinuz-${release}`) };
}

/** The module's name, as the kernel says it. */
export const moduleName = (file) => basename(file).replace(/\.ko(\.[a-z0-9]+)?$/, '').replaceAll('-', '_');

/** Files of the kernel's tree that modprobe would load for `name`: dependencies and soft ones too. */
function closureOf(kernel, name) {
  try {
    const text = execFileSync('modprobe', ['-d', kernel.root, '-S', kernel.release, '-C', '/nonexistent', '-D', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n').filter((l) => l.startsWith('insmod ')).map((l) => l.split(' ')[1].slice(kernel.modules.length + 1));
  } catch {
    return []; // not in this kernel's tree, or built in
  }
}

/** What of the kernel's own tree a module file asks for: the exporters of its symbols, and its soft dependencies. */
function wantedBy(kernel, file) {
  const undefinedSymbols = execFileSync('nm', ['-u', file], { encoding: 'utf8' }).split('\n').map((l) => l.trim().split(' ').at(-1));
  const soft = execFileSync('modinfo', ['-F', 'softdep', file], { encoding: 'utf8' }).split(/\s+/).filter((w) => w && !w.endsWith(':'));
  return [...new Set([...undefinedSymbols.map((s) => kernel.exporters.get(s)).filter(Boolean), ...soft])];
}

const INDEX_SOURCES = ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'];

/**
 * Makes `root`/t/NUMBER with a lib/modules tree for one module and all it asks for: `file` in updates/ in place of the
 * kernel's own module of that name (`foreign`), or the kernel's own. Files are hard links to those in `root`/own.
 */
export function smallTree(kernel, root, number, { file, foreign }) {
  const name = moduleName(file);
  const tree = join(root, 't', String(number));
  const modules = join(tree, 'lib/modules', kernel.release);
  mkdirSync(modules, { recursive: true });
  for (const f of INDEX_SOURCES) linkOwn(kernel, root, modules, f);
  const asked = foreign ? wantedBy(kernel, foreign).flatMap((m) => closureOf(kernel, m)) : closureOf(kernel, name);
  for (const f of new Set(asked)) if (!foreign || moduleName(f) !== name) linkOwn(kernel, root, modules, f);
  if (foreign) {
    mkdirSync(join(modules, 'updates'));
    copyFileSync(foreign, join(modules, 'updates', basename(file)));
  }
  execFileSync('depmod', ['-b', tree, kernel.release]);
  for (const f of readdirSync(modules)) if (/^modules\.(?!.*\.bin$|softdep|devname)/.test(f)) rmSync(join(modules, f));
  return name;
}

function linkOwn(kernel, root, modules, file) {
  const own = join(root, 'own', file);
  if (!existsSync(own)) {
    mkdirSync(dirname(own), { recursive: true });
    copyFileSync(join(kernel.modules, file), own);
  }
  mkdirSync(dirname(join(modules, file)), { recursive: true });
  linkSync(own, join(modules, file));
}

/** The script's own file in the guest's root. */
export const writeScript = (root, text) => writeFileSync(join(root, 'script'), text);
