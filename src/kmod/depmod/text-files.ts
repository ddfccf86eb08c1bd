import type { GraphModule } from './graph.js';
import type { Say } from './messages.js';
import type { SymbolTable } from './symbols.js';

/** `modules.dep`: a line for each module, what is to be loaded first at its end. */
export function depText(modules: readonly GraphModule[]): string {
  return modules.map((module) => `${depLine(module)}\n`).join('');
}

/** `path: dependency dependency`. */
export function depLine(module: GraphModule): string {
  return `${module.path}:${module
    .allDependencies()
    .map(({ path }) => ` ${path}`)
    .join('')}`;
}

export function aliasText(modules: readonly GraphModule[]): string {
  const lines = ['# Aliases extracted from modules themselves.\n'];
  for (const { name, facts } of modules)
    for (const alias of facts.aliases) lines.push(`alias ${alias} ${name}\n`);
  return lines.join('');
}

export function softdepText(modules: readonly GraphModule[]): string {
  const lines = ['# Soft dependencies extracted from modules themselves.\n'];
  for (const { name, facts } of modules)
    for (const text of facts.softdeps) lines.push(`softdep ${name} ${text}\n`);
  return lines.join('');
}

export function weakdepText(modules: readonly GraphModule[]): string {
  const lines = ['# Weak dependencies extracted from modules themselves.\n'];
  for (const { name, facts } of modules)
    for (const text of facts.weakdeps) lines.push(`weakdep ${name} ${text}\n`);
  return lines.join('');
}

export function symbolsText(symbols: SymbolTable): string {
  const lines = ['# Aliases for symbols, used by symbol_request().\n'];
  for (const { name, owner } of symbols.exported()) lines.push(`alias symbol:${name} ${owner.name}\n`);
  return lines.join('');
}

interface DeviceNode {
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
}

/** `modules.devname`: nodes in /dev that udev or kmod static-nodes make so that opening them loads the module. */
export function devnameText(modules: readonly GraphModule[], say: Say): string {
  const lines: string[] = [];
  for (const module of modules) {
    const { name, node } = deviceOf(module.facts.aliases);
    if (name === undefined) continue;
    if (node) lines.push(`${module.name} ${name} ${node.type}${node.major}:${node.minor}\n`);
    else
      say(
        'error',
        `Module '${module.name}' has devname (${name}) but lacks major and minor information. Ignoring.\n`,
      );
  }
  return lines.length === 0 ? '' : `# Device nodes to trigger on-demand module loading.\n${lines.join('')}`;
}

/** What the aliases say until both a name and a number are known; before that the last of each counts. */
function deviceOf(aliases: readonly string[]): { readonly name?: string; readonly node?: DeviceNode } {
  let name: string | undefined;
  let node: DeviceNode | undefined;
  for (const alias of aliases) {
    if (alias.startsWith('devname:')) name = alias.slice('devname:'.length);
    else node = nodeOf(alias) ?? node;
    if (name !== undefined && node) break;
  }
  return { ...(name === undefined ? {} : { name }), ...(node ? { node } : {}) };
}

/** As sscanf(3) with "char-major-%u-%u" reads it. */
function nodeOf(alias: string): DeviceNode | undefined {
  const match = /^(char|block)-major-\s*([+-]?\d+)-\s*([+-]?\d+)/.exec(alias);
  if (!match) return undefined;
  return { type: match[1] === 'char' ? 'c' : 'b', major: unsigned(match[2]), minor: unsigned(match[3]) };
}

/** 32 bits of a number that strtoul(3) made, which stops at the largest one of 64 bits. */
function unsigned(digits: string): number {
  const value = BigInt(digits.replace('+', ''));
  const most = (1n << 64n) - 1n;
  return Number(BigInt.asUintN(32, value > most || -value > most ? most : value));
}
