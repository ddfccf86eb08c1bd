import { byteText, readable } from '../byte-text.js';
import { moduleNameOf } from '../names.js';

/** `depmod -n --json`: the text files of an index as one JSON value; its form is in tools/README.md. */
export function indexJson(files: ReadonlyMap<string, Uint8Array>): string {
  const lines = (name: string): string[][] => {
    const text = byteText(files.get(name) ?? new Uint8Array());
    const used = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return used.map((line) => readable(line).split(' '));
  };
  const modules = lines('modules.dep').map(([path, ...dependencies]) => ({
    name: moduleNameOf(path.slice(0, -1)),
    path: path.slice(0, -1),
    dependencies: dependencies.filter(Boolean),
  }));
  const value = {
    modules,
    aliases: lines('modules.alias').map(([, alias, module]) => ({ alias, module })),
    symbols: lines('modules.symbols').map(([, symbol, module]) => ({
      symbol: symbol.replace(/^symbol:/, ''),
      module,
    })),
    softdeps: lines('modules.softdep').map(([, module, ...words]) => ({ module, text: words.join(' ') })),
    weakdeps: lines('modules.weakdep').map(([, module, ...words]) => ({
      module,
      weak: words.filter(Boolean),
    })),
    devnames: lines('modules.devname').map(([module, device, number]) => ({ module, device, number })),
  };
  return `${JSON.stringify(value)}\n`;
}
