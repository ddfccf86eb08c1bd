import { unpack } from '../../formats/compressed/unpack.js';
import { FormatError } from '../../formats/format-error.js';
import type { ModinfoEntry } from '../../formats/modinfo.js';
import { type FileSource, type ModuleTree, modinfoOf } from '../../kmod/index.js';
import type { Terminal } from './terminal.js';

export interface ModinfoOptions {
  /** Only this field's values. */
  readonly field?: string;
  readonly separator?: string;
}

/** modinfo(8) of a file or a module's name. */
export function modinfo(
  tree: ModuleTree,
  files: FileSource,
  name: string,
  options: ModinfoOptions,
  terminal: Terminal,
): number {
  const isPath = name.includes('/') || /\.ko(\.\w+)?$/.test(name);
  if (isPath) {
    const bytes = files.read(name);
    if (bytes) return show(bytes, name, options, terminal);
    terminal.err(`modinfo: ERROR: Module ${name} not found.\n`);
    return 1;
  }
  let status = 1;
  for (const found of tree.resolve(name)) {
    const bytes = found.module && tree.read(found.module);
    if (!found.module || !bytes) continue;
    status = show(bytes, tree.pathOf(found.module), options, terminal);
  }
  if (status !== 0) terminal.err(`modinfo: ERROR: Module ${name} not found.\n`);
  return status;
}

function show(packed: Uint8Array, path: string, options: ModinfoOptions, terminal: Terminal): number {
  let entries: readonly ModinfoEntry[];
  try {
    entries = modinfoOf(unpack(packed, path), path).entries;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    terminal.err(
      `modinfo: ERROR: could not get modinfo from '${path}': Invalid argument\nmodbox: ${error.message}\n`,
    );
    return 1;
  }
  const end = options.separator ?? '\n';
  const all = [{ key: 'filename', value: path }, ...withParameters(entries)];
  for (const { key, value } of all) {
    if (options.field === undefined) terminal.out(`${`${key}:`.padEnd(16)}${value}${end}`);
    else if (options.field === key) terminal.out(`${value}${end}`);
  }
  return 0;
}

/** Parameters come last, with their types behind their descriptions. */
function withParameters(entries: readonly ModinfoEntry[]): ModinfoEntry[] {
  const split = (text: string): [string, string] => {
    const colon = text.indexOf(':');
    return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  };
  const parameters = new Map<string, { description: string; type: string }>();
  for (const { key, value } of entries) {
    if (key !== 'parm' && key !== 'parmtype') continue;
    const [name, text] = split(value);
    const known = parameters.get(name) ?? { description: '', type: '' };
    parameters.set(name, key === 'parm' ? { ...known, description: text } : { ...known, type: text });
  }
  const others = entries.filter(({ key }) => key !== 'parm' && key !== 'parmtype');
  const shown = [...parameters].map(([name, { description, type }]) => ({
    key: 'parm',
    value: `${name}:${description}${type && ` (${type})`}`,
  }));
  return [...others, ...shown];
}
