import { ModuleTree, showDepends } from '../../kmod/index.js';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { DiskIndexCache } from '../../machine/node/index-cache.js';
import { modinfo } from '../../machine/userland/modinfo.js';
import { BUNDLED_RELEASE } from '../../target/node/index.js';

/** kmod's tools outside of a machine: those that only read. */
export async function main(tool: string, args: readonly string[]): Promise<number> {
  const root = process.env.MODBOX_ROOT ?? '';
  const release = process.env.MODBOX_UNAME_R ?? BUNDLED_RELEASE;
  const files = root === '' ? new DiskFiles('/') : new DiskFiles(root);
  const tree = new ModuleTree(files, { release, cache: new DiskIndexCache() });
  const operands = args.filter((arg) => !arg.startsWith('-'));
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`usage: modbox ${tool} [OPTION]... MODULE...\n`);
    return 0;
  }
  switch (tool) {
    case 'modinfo':
      return modinfoOf(tree, args);
    case 'modprobe':
      if (args.some((arg) => ['-D', '--show-depends', '-R', '--resolve-alias'].includes(arg)))
        return showModules(tree, operands, args.includes('-R') || args.includes('--resolve-alias'));
      break;
  }
  process.stderr.write(
    `modbox: ${tool}: no base kernel is up to act on; 'modbox shell' starts one with ${tool} in it, and 'modbox run MODULE' loads a module and reports\n`,
  );
  return 1;
}

function modinfoOf(tree: ModuleTree, args: readonly string[]): number {
  const at = args.findIndex((arg) => arg === '-F' || arg === '--field');
  const field = at < 0 ? undefined : args[at + 1];
  const names = args.filter((arg, i) => !arg.startsWith('-') && (at < 0 || i !== at + 1));
  const host = new DiskFiles('');
  const terminal = {
    out: (data: string | Uint8Array) => void process.stdout.write(data),
    err: (data: string | Uint8Array) => void process.stderr.write(data),
  };
  let status = names.length === 0 ? 1 : 0;
  if (status !== 0) terminal.err('modinfo: ERROR: missing module or filename.\n');
  for (const name of names)
    status = modinfo(tree, host, name, field === undefined ? {} : { field }, terminal) || status;
  return status;
}

function showModules(tree: ModuleTree, names: readonly string[], resolveOnly: boolean): number {
  const [name, ...options] = names;
  const found = name === undefined ? [] : tree.resolve(name);
  if (name === undefined || found.length === 0) {
    process.stderr.write(`modprobe: FATAL: Module ${name ?? ''} not found in directory ${tree.directory}\n`);
    return 1;
  }
  const lines = resolveOnly
    ? found.map((module) => module.name)
    : (showDepends(tree, name, options.join(' ')) ?? []);
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}
