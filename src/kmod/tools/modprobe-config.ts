import type { ModuleTree } from '../module-tree.js';
import type { ToolHost } from './tool.js';

/** How much of a listing is put together before it is written. */
const CHUNK = 1 << 16;

/** `modprobe -c`: the configuration, then the index's aliases and symbols. */
export function showConfig<Wait>(host: ToolHost<Wait>, tree: ModuleTree): void {
  const { config } = tree;
  const out = new ChunkedOutput(host);
  for (const name of config.blacklist) out.write(`blacklist ${name}\n`);
  for (const { module, text } of config.install) out.write(`install ${module} ${text}\n`);
  for (const { module, text } of config.remove) out.write(`remove ${module} ${text}\n`);
  for (const { alias, module } of config.aliases) out.write(`alias ${alias} ${module}\n`);
  for (const { module, text } of config.options) out.write(`options ${module} ${text}\n`);
  for (const { module, shown } of config.softDependencies) out.write(`softdep ${module} ${shown}\n`);
  for (const { module, weak } of config.weakDependencies) out.write(`weakdep ${module} ${weak.join(' ')}\n`);
  out.write('\n# End of configuration files. Dumping indexes now:\n\n');
  for (const table of ['alias', 'symbols'] as const)
    for (const [key, value] of tree.entries(table)) out.write(`alias ${key} ${value}\n`);
  out.flush();
}

/** The same as one JSON object: see README.md. */
export function configJson(tree: ModuleTree): string {
  const { blacklist, install, remove, aliases, options, softDependencies, weakDependencies } = tree.config;
  const command = ({ module, text }: { module: string; text: string }) => ({ module, command: text });
  const indexed = (table: 'alias' | 'symbols') =>
    [...tree.entries(table)].map(([alias, module]) => ({ alias, module }));
  return JSON.stringify({
    blacklist,
    install: install.map(command),
    remove: remove.map(command),
    aliases,
    options: options.map(({ module, text }) => ({ module, options: text })),
    softdeps: softDependencies.map(({ module, pre, post }) => ({ module, pre, post })),
    weakdeps: weakDependencies,
    indexAliases: indexed('alias'),
    indexSymbols: indexed('symbols'),
  });
}

class ChunkedOutput<Wait> {
  private pieces: string[] = [];
  private length = 0;

  constructor(private readonly host: ToolHost<Wait>) {}

  write(text: string): void {
    this.pieces.push(text);
    this.length += text.length;
    if (this.length > CHUNK) this.flush();
  }

  flush(): void {
    this.host.out(this.pieces.join(''));
    this.pieces = [];
    this.length = 0;
  }
}
