import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';
import type { LinuxKernel } from '../kernel.js';
import type { LoadedModule } from './loaded-module.js';
import { Modules } from './modules.js';
import { symbolize } from './symbolize.js';

const FOLDER = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));

let k: LinuxKernel;
let modules: Modules;
let module: LoadedModule;

beforeAll(() => {
  const machine = Machine.boot({ target: loadBundled() });
  for (const name of ['exporter', 'importer'])
    machine.insmod(new Uint8Array(readFileSync(`${FOLDER}${name}.ko`)));
  k = machine.kernel;
  modules = k.get(Modules);
  module = modules.find('exporter')!;
});

describe('which module and which symbol an address is of', () => {
  it('is found from within a function, with its size up to the next', () => {
    const [exported] = module.exports.values();
    expect(modules.moduleAt(exported.address)).toBe(module);
    expect(modules.symbolAt(exported.address + 1)).toMatchObject({
      name: exported.name,
      offset: 1,
      module: 'exporter',
    });
    expect(symbolize(k, exported.address + 1)).toMatch(
      new RegExp(`^${exported.name}\\+0x1/0x[0-9a-f]+ \\[exporter\\]$`),
    );
  });

  it('of the last symbol of the code reaches to the end of the code’s last page', () => {
    const [{ base, textSize }] = module.memory;
    const last = modules.symbolAt(base + textSize - 1)!;
    expect(last.offset + 1).toBe(last.size);
  });

  it('is no module’s where none is', () => {
    expect(modules.moduleAt(0x4fff_0000)).toBeUndefined();
    expect(symbolize(k, 0x1234)).toBe('0x1234');
  });
});

describe('references', () => {
  it('are counted in struct module, beside the users by symbols', () => {
    const { exports } = modules;
    expect(modules.refcount(module)).toBe(1);
    expect([exports.try_module_get(module.struct), modules.refcount(module)]).toEqual([true, 2]);
    exports.module_put(module.struct);
    expect([exports.module_refcount(module.struct), modules.refcount(module)]).toEqual([0, 1]);
  });

  it('that nobody has are not to be given back', () => {
    const importer = modules.find('importer')!;
    modules.stop(importer);
    modules.exports.module_put(importer.struct);
    expect(modules.exports.try_module_get(importer.struct)).toBe(false);
  });

  it('are taken on a symbol’s owner by its name, on GPL symbols alone', () => {
    const gpl = [...module.exports.values()].find(({ gplOnly }) => gplOnly)!;
    expect(modules.exports.__symbol_get(k.constantString(gpl.name))).toBe(gpl.address);
    expect(modules.refcount(module)).toBe(2);
    modules.exports.__symbol_put(k.constantString(gpl.name));
    expect(modules.exports.__symbol_get(k.constantString('no_such_symbol'))).toBe(0);
  });
});
