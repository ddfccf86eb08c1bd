import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ElfFile, parseElf } from '../formats/elf/index.js';
import { decodeTarget, encodeTarget } from './codec.js';
import { decodeFreebsdSymbols, encodeFreebsdSymbols } from './freebsd-symbols.js';
import type { FreebsdSymbol } from './freebsd-target.js';
import { BUNDLED_FREEBSD, loadBundled } from './node/bundled.js';

const target = loadBundled(BUNDLED_FREEBSD);
const { types, exports, macros } = target;

/** A function's prototype as its header declares it, with the names of its parameters. */
function declaration(name: string): string {
  const { params, result, variadic } = types.prototype(name);
  const list = params.map((param) => types.typeName(param.type, param.name));
  return `${types.typeName(result, name)}(${[...list, ...(variadic ? ['...'] : [])].join(', ')})`;
}

describe("the bundled FreeBSD kernel's", () => {
  it('names are those of 14.2', () => {
    expect(target).toMatchObject({
      name: 'freebsd/14.2-amd64',
      os: 'freebsd',
      arch: 'amd64',
      release: '14.2-RELEASE',
      osreldate: 1402000,
      version: 'FreeBSD 14.2-RELEASE releng/14.2-n269506-c8918d6c7412 GENERIC',
    });
  });

  it('structs that code of modules has built in are laid out as in its headers', () => {
    // mov %gs:0 is curthread; mtx_lock is compared and swapped at 0x18; critical sections count at td_critnest.
    expect(types.offsetOf('pcpu', 'pc_curthread')).toBe(0);
    expect(types.offsetOf('mtx', 'mtx_lock')).toBe(0x18);
    expect(types.sizeOf('mtx')).toBe(32);
    expect(types.offsetOf('thread', 'td_lock')).toBe(0);
    expect(types.offsetOf('thread', 'td_proc')).toBe(8);
    expect(types.offsetOf('lock_object', 'lo_name')).toBe(0);
    expect(types.offsetOf('cdevsw', 'd_name')).toBe(8);
    expect(types.offsetOf('cdevsw', 'd_open')).toBe(16);
    expect(types.sizeOf('mod_metadata')).toBe(24);
    expect(types.sizeOf('sysinit')).toBe(32);
  });

  it('functions have prototypes, with the names of their parameters', () => {
    expect(declaration('malloc')).toBe('void *malloc(size_t size, struct malloc_type *type, int flags)');
    expect(declaration('make_dev')).toBe(
      'struct cdev *make_dev(struct cdevsw *_devsw, int _unit, uid_t _uid, gid_t _gid, int _perms, const char *_fmt, ...)',
    );
    expect(declaration('callout_reset_sbt_on')).toBe(
      'int callout_reset_sbt_on(struct callout *, sbintime_t, sbintime_t, void (*)(void *), void *, int, int)',
    );
    expect(types.findPrototype('hz')).toBeUndefined();
  });

  it('variables have types', () => {
    const variable = (name: string): string => types.typeName(types.findVariable(name) ?? -1, name);
    expect(variable('hz')).toBe('int hz');
    expect(variable('M_DEVBUF')).toBe('struct malloc_type M_DEVBUF[1]');
    expect(types.findVariable('malloc')).toBeUndefined();
  });

  it('macros that are integers have their values', () => {
    expect(
      ['M_WAITOK', 'M_ZERO', 'MTX_DEF', 'EEXIST', 'ERESTART', 'D_VERSION'].map((name) => macros.get(name)),
    ).toEqual([2, 0x100, 0, 17, -1, 0x5c48c353]);
    expect(macros.get('__FreeBSD_version') ?? target.osreldate).toBe(1402000);
    expect(macros.get('UINT64_MAX')).toBe(0xffff_ffff_ffff_ffffn);
    expect(macros.get('NULL')).toBeUndefined();
  });

  it('enumerators are among its types', () => {
    expect(types.enumValue('SI_SUB_DRIVERS')).toBe(0x3100000);
    expect(types.enumValue('MOD_UNLOAD')).toBe(1);
  });

  it("symbols are functions, data, and the kernel's copies of variables of network stacks and CPUs", () => {
    const kinds = [
      'malloc',
      'hz',
      'device_probe_desc',
      'vnet_entry_ifnet',
      '__mtx_lock_flags',
      'M_TEMP',
      'memcpy',
    ];
    expect(kinds.map((name) => exports.get(name)?.kind)).toEqual([
      'function',
      'data',
      'data',
      'vnet',
      'function',
      'data',
      'function',
    ]);
    expect(exports.get('hz')?.size).toBe(4);
    expect(exports.get('M_TEMP')?.size).toBe(types.sizeOf('malloc_type'));
    expect(exports.has('__start_set_sysinit_set')).toBe(false);
  });

  it('symbols do not overlap, and lie above its base', () => {
    const sorted = [...exports.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    expect(sorted[0].address).toBe(0xffffffff80200000n);
    const overlapping = sorted.filter(
      ({ address, size }, i) => i + 1 < sorted.length && address + BigInt(size) > sorted[i + 1].address,
    );
    expect(overlapping).toEqual([]);
  });

  it('symbols are all that our own test modules need, but what no kernel has or another module offers', () => {
    const folder = join(import.meta.dirname, '../../tests/modules/freebsd');
    const elves = readdirSync(folder)
      .filter((name) => name.endsWith('.ko'))
      .map((name) => parseElf(readFileSync(join(folder, name)), name));
    const undefinedIn = (elf: ElfFile): string[] =>
      elf.symbols().flatMap(({ name, shndx }) => (shndx === 0 && name !== '' ? [name] : []));
    const missing = new Set(elves.flatMap(undefinedIn).filter((name) => !exports.has(name)));
    // The linker makes those of sets; netgraph.ko and firmware.ko are modules of their own.
    const elsewhere = /^(__(start|stop)_set_|ng_|M_NETGRAPH|firmware_)/;
    expect([...missing].filter((name) => !elsewhere.test(name)).sort()).toEqual([
      'hidden_answer',
      'modbox_missing_function',
      'provider_add',
    ]);
  });

  it('own modules are what others can depend on without a file', () => {
    const versions = new Map(target.builtinModules.map(({ name, version }) => [name, version]));
    expect(versions.get('kernel')).toBe(1402000);
    expect(versions.get('pci')).toBe(1);
  });
});

describe('a FreeBSD target', () => {
  const symbols: FreebsdSymbol[] = [
    { name: 'b', address: 0xffffffff80200010n, size: 16, kind: 'function' },
    { name: 'a', address: 0xffffffff80300000n, size: 4, kind: 'pcpu' },
  ];

  it('keeps its symbols', () => {
    const decoded = decodeFreebsdSymbols(encodeFreebsdSymbols(symbols), 'x');
    expect([...decoded.keys()]).toEqual(['a', 'b']);
    expect([decoded.get('a'), decoded.get('b')]).toEqual([symbols[1], symbols[0]]);
  });

  it('whose symbols are damaged is refused', () => {
    const bytes = encodeFreebsdSymbols(symbols);
    bytes[4] = 9;
    expect(() => decodeFreebsdSymbols(bytes, 'x')).toThrow('neither kind nor name tell what it is');
  });

  it('that does not tell its version is refused, and one with damaged macros at the first question', () => {
    const info = { name: 'freebsd/1', os: 'freebsd', release: '1', arch: 'amd64' };
    const encode = (more: object) =>
      encodeTarget({
        info: { ...info, ...more },
        names: ['macros'],
        part: () => new TextEncoder().encode('A\tb\n'),
      });
    expect(() => decodeTarget(encode({}), 'x')).toThrow(
      'freebsd/1: its file does not tell architecture, osreldate and version',
    );
    const damaged = decodeTarget(encode({ osreldate: 1, version: 'FreeBSD 1' }), 'x');
    expect(() => damaged.os === 'freebsd' && damaged.macros).toThrow(
      "freebsd/1: macros: macros (at 0x0): 'b' is no number",
    );
  });
});
