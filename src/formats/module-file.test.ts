import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ModuleFile, saidBy } from './module-file.js';

const own = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../../tests/modules/${name}.ko`, import.meta.url)));

describe("a module's file", () => {
  it('is unpacked and parsed once', () => {
    const file = new ModuleFile('importer.ko.gz', gzipSync(own('importer')));
    expect(file.content).toEqual(new Uint8Array(own('importer')));
    expect(file.content).toBe(file.content);
    expect(file.elf).toBe(file.elfOf(file.content.length));
    expect([file.name, file.depends, file.signature]).toEqual(['importer', ['exporter'], undefined]);
  });

  it('says nothing where it is damaged', () => {
    const damaged = new ModuleFile('hello.ko', own('hello').subarray(0, 900));
    expect(() => damaged.modinfo).toThrow(/^hello\.ko: /);
    expect(saidBy(damaged, ({ name }) => name)).toBeUndefined();
  });
});
