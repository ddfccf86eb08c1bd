import { parseArgs } from 'node:util';
import {
  type FreebsdTarget,
  type LinuxTarget,
  type SystemTarget,
  TargetStore,
  UsageError,
} from '../../index.js';
import { complain, print } from '../output.js';

const HELP = `usage: modbox target add PATH [--release R]   read a kernel: a .deb, a vmlinuz, a vmlinux or a directory tree
       modbox target list                       the kernels there are
       modbox target show T                     one of them
       modbox target remove T                   forget one that was added
`;

/** \`modbox target\`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      release: { type: 'string' },
    },
  });
  const [action, name] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const store = new TargetStore();
  switch (action) {
    case 'add': {
      if (name === undefined) throw new UsageError('target add needs a path');
      const target = store.add(name, values.release === undefined ? {} : { release: values.release });
      print(`${target.name}\n`);
      return 0;
    }
    case 'list':
      list(store, values.json ?? false);
      return 0;
    case 'show': {
      if (name === undefined) throw new UsageError('target show needs a name: see modbox target list');
      show(store.get(name), values.json ?? false);
      return 0;
    }
    case 'remove':
      if (name === undefined) throw new UsageError('target remove needs a name');
      if (store.remove(name)) return 0;
      complain(`no target '${name}' was added: see modbox target list`);
      return 1;
    default:
      throw new UsageError(
        action === undefined ? 'target: add, list, show or remove?' : `no target ${action}`,
      );
  }
}

function list(store: TargetStore, json: boolean): void {
  const all = store.list();
  if (json) {
    const entries = all.map(({ info, file, bytes, bundled }) => ({ ...info, file, bytes, bundled }));
    print(`${JSON.stringify(entries, null, 2)}\n`);
    return;
  }
  for (const { info, bytes, bundled } of all) {
    const where = bundled ? 'bundled' : (info.tree ?? 'added');
    print(`${info.name.padEnd(28)} ${info.arch.padEnd(8)} ${String(bytes).padStart(9)} bytes  ${where}\n`);
  }
}

function show(target: SystemTarget, json: boolean): void {
  const facts = target.os === 'linux' ? linuxFacts(target) : freebsdFacts(target);
  if (json) print(`${JSON.stringify(facts, null, 2)}\n`);
  else for (const [key, value] of Object.entries(facts)) print(`${`${key}:`.padEnd(16)}${value ?? 'none'}\n`);
}

function linuxFacts(target: LinuxTarget) {
  return {
    name: target.name,
    release: target.release,
    arch: target.arch,
    vermagic: target.vermagic,
    banner: target.banner,
    tree: target.tree ?? null,
    exports: target.exports.size,
    options: target.config.size,
    builtinModules: target.builtinModules.length,
    certificates: target.certificates.length,
  };
}

function freebsdFacts(target: FreebsdTarget) {
  return {
    name: target.name,
    release: target.release,
    arch: target.arch,
    osreldate: target.osreldate,
    version: target.version,
    exports: target.exports.size,
    macros: target.macros.size,
    builtinModules: target.builtinModules.length,
  };
}
