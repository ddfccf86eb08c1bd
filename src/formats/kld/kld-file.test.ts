import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../format-error.js';
import { parseKld } from './index.js';

const FOLDER = join(import.meta.dirname, '../../../tests/modules/freebsd/hints');
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, name)));
const open = (name: string) => parseKld(bytesOf(name), name);

describe('metadata of a kld', () => {
  it('is in the order of the file, with names behind pointers', () => {
    expect(
      open('devices.ko')
        .metadata()
        .map(({ kind, name }) => `${kind} ${name}`),
    ).toEqual([
      'version devices',
      'depend kernel',
      'depend pci',
      'module devices_pci',
      'module devices_usb',
      'pnp pci',
      'pnp usb',
    ]);
  });

  it('tells versions, and which versions of others it needs', () => {
    const kld = open('devices.ko');
    expect(kld.of('version')).toEqual([{ kind: 'version', name: 'devices', version: 7 }]);
    expect(kld.of('depend')).toEqual([
      { kind: 'depend', name: 'kernel', minimum: 1402000, preferred: 1402000, maximum: 1499999 },
      { kind: 'depend', name: 'pci', minimum: 1, preferred: 1, maximum: 1 },
    ]);
  });

  it('has the handlers of modules, 0 where another file has it', () => {
    const kld = open('devices.ko');
    const [first, second] = kld.of('module').map((module) => kld.moduleData(module));
    expect(first).toMatchObject({ name: 'devices_pci', priv: 0 });
    expect(second).toMatchObject({ name: 'devices_usb', handler: 0 });
    expect(second.priv).toBeGreaterThan(0);
  });

  it('keeps what is of no kind that there is', () => {
    expect(open('broken.ko').metadata()).toContainEqual({ kind: 'unknown', name: 'nothing', type: 9 });
  });

  it('is read of a shared object too', () => {
    const kld = open('library.ko');
    expect(kld.metadata().map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'module library',
      'version library',
      'pnp pci',
    ]);
    expect(kld.of('version')[0].version).toBe(3);
    expect(kld.pnpEntries(kld.of('pnp')[0])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

describe('metadata of a kernel', () => {
  it('are read at its addresses in the uppermost 2 GiB', () => {
    const kld = open('kernel');
    expect(kld.entryAddresses()?.every((address) => address < -0x7f00_0000)).toBe(true);
    expect(kld.of('version')).toEqual([
      { kind: 'version', name: 'kernel', version: 1402000 },
      { kind: 'version', name: 'pci', version: 1 },
    ]);
    expect(kld.of('module').map(({ name }) => name)).toEqual(['first']);
  });
});

describe('PNP tables of a kld', () => {
  it('have ints, with all ones for what is any, and texts', () => {
    const kld = open('devices.ko');
    expect(kld.pnpEntries(kld.of('pnp')[0])).toEqual([
      [0x8086, 0x100e, 3, -1, 'A network card', 'PNP0501', -2, 0x5678, 0x1234, 'PNP0501', 1, 2, 7],
      [0xffff, 1, 0xff, 4, '', '', -1, 1, 0xffff, '___ffff', 0xffff, 0, 0],
    ]);
  });

  it('may be empty', () => {
    const kld = open('devices.ko');
    expect(kld.pnpEntries(kld.of('pnp')[1])).toEqual([]);
  });

  it('are not there where the description makes no sense', () => {
    const kld = open('broken.ko');
    expect(kld.pnpEntries(kld.of('pnp')[0])).toBeUndefined();
  });
});

describe('a file that is no kld of amd64', () => {
  it('is refused by what it is', () => {
    const bytes = bytesOf('plain.ko');
    bytes[4] = 1;
    expect(() => parseKld(bytes, 'a')).toThrow('a: e_ident[EI_CLASS] (at 0x4): 32-bit, need 64-bit');
    bytes[4] = 2;
    bytes[18] = 183;
    expect(() => parseKld(bytes, 'a')).toThrow('machine 183, need 62 (x86-64)');
    bytes[18] = 62;
    bytes[16] = 4;
    expect(() => parseKld(bytes, 'a')).toThrow('e_type (at 0x10): 4, need');
    expect(() => parseKld(new TextEncoder().encode('if_em.ko'), 'a')).toThrow(FormatError);
  });
});
