// Files that a linker would not make, but somebody might: what of them is a module is for the kernel to say. Each is
// trustme.ko with one thing odd about it.
import { Elf, R, SHF, SHT } from './elf.mjs';

const THIS = '.gnu.linkonce.this_module';
/** Sections that the loader looks for by name or by type. */
const LOOKED_FOR = {
  this: THIS, modinfo: '.modinfo', versions: '__versions', symtab: '.symtab', strtab: '.strtab', shstrtab: '.shstrtab', text: '.init.text',
  data: '.data', returns: '.return_sites', orc: '.orc_unwind', orcip: '.orc_unwind_ip', mcount: '__mcount_loc', rela: '.rela.init.text', note: '.note.Linux',
};
/** What is done to each of them. */
const HEADERS = {
  'no-alloc': (s) => ({ flags: BigInt(s.flags) & ~2n }),
  'alloc': (s) => ({ flags: BigInt(s.flags) | 2n }),
  'nobits': () => ({ type: SHT.NOBITS }),
  'null': () => ({ type: SHT.NULL }),
  'type': () => ({ type: 0x6fff1234 }),
  'entsize': () => ({ entsize: 1 }),
  'entsize-0': () => ({ entsize: 0 }),
  'align-0': () => ({ addralign: 0 }),
  'align-3': () => ({ addralign: 3 }),
  'align-big': () => ({ addralign: 0x10000 }),
  'align-huge': () => ({ addralign: 1n << 40n }),
  'align-top': () => ({ addralign: 1n << 63n }),
  'addr': () => ({ addr: 0xffffffffc0000000n }),
  'size-0': () => ({ size: 0 }),
  'size-short': (s) => ({ size: Math.max(s.data.length - 1, 0) }),
  'write': (s) => ({ flags: BigInt(s.flags) | 1n }),
  'exec': (s) => ({ flags: BigInt(s.flags) | 4n }),
  'write-exec': (s) => ({ flags: BigInt(s.flags) | 5n }),
  'compressed': (s) => ({ flags: BigInt(s.flags) | 0x800n }),
  'tls': (s) => ({ flags: BigInt(s.flags) | 0x400n }),
  'flags-high': (s) => ({ flags: BigInt(s.flags) | (0xf0000000n << 32n) | 0xf0000000n }),
  'link': () => ({ link: 200 }),
  'info': () => ({ info: 200 }),
  'name': () => ({ name: 0x10000 }),
};

/** What is said once a boot, or ends something for the boot: each is asked about in a boot of its own. */
export const ALONE = new Set(['odd-orc-size-0', 'odd-orc-size-short', 'odd-orc-lost', 'odd-orcip-lost', 'odd-orc-short', 'odd-orc-odd', 'odd-orcip-odd', 'odd-returns-text', 'odd-returns-jmp', 'odd-returns-data',
  'odd-rela-info-0', 'odd-mcount-odd', 'odd-mcount-nop', 'odd-mcount-data', 'odd-mcount-zero', 'odd-extra-retpoline-short', 'odd-modinfo-no-alloc', 'odd-modinfo-size-0', 'odd-versions-no-alloc']);

/** Of those: two after which the warnings that come once have come. */
export const ONCE = ['odd-orc-size-0', 'odd-returns-text'];

/** Files by name: functions that make them of the bytes that `base` gives. */
export function oddities(base) {
  const odd = (change) => () => {
    const elf = new Elf(base());
    change(elf);
    return elf.build();
  };
  const sections = {};
  for (const [short, called] of Object.entries(LOOKED_FOR))
    for (const [what, fields] of Object.entries(HEADERS)) sections[`odd-${short}-${what}`] = odd((elf) => elf.set(called, fields(elf.section(called))));

  const headers = {
    'odd-head-class': odd((e) => e.head(4, 1, 1)),
    'odd-head-order': odd((e) => e.head(5, 1, 2)),
    'odd-head-ident-version': odd((e) => e.head(6, 1, 0)),
    'odd-head-osabi': odd((e) => e.head(7, 1, 9)),
    'odd-head-abiversion': odd((e) => e.head(8, 1, 9)),
    'odd-head-version': odd((e) => e.head(20, 4, 7)),
    'odd-head-entry': odd((e) => e.head(24, 8, 0x1234)),
    'odd-head-phoff': odd((e) => e.head(32, 8, 1n << 60n)),
    'odd-head-phnum': odd((e) => e.head(56, 2, 3)),
    'odd-head-phnum-big': odd((e) => e.head(56, 2, 0xffff).head(32, 8, 64).head(54, 2, 56)),
    'odd-head-phentsize': odd((e) => e.head(54, 2, 1)),
    'odd-head-flags': odd((e) => e.head(48, 4, 0xffffffff)),
    'odd-head-ehsize': odd((e) => e.head(52, 2, 0)),
    'odd-head-shnum-0': odd((e) => { e.head(60, 2, 0); e.sections[0].forced = { size: e.sections.length }; }),
    'odd-head-shstrndx-extended': odd((e) => { e.head(62, 2, 0xffff); e.sections[0].link = e.index('.shstrtab'); }),
    'odd-head-shstrndx-strtab': odd((e) => e.head(62, 2, e.index('.strtab'))),
    'odd-head-shstrndx-text': odd((e) => e.head(62, 2, e.index('.init.text'))),
    'odd-head-shoff-0': odd((e) => e.head(40, 8, 0)),
    'odd-head-shoff-odd': () => {
      const b = new Elf(base()).build(), at = Number(b.readBigUInt64LE(0x28));
      const moved = Buffer.concat([b.subarray(0, at), Buffer.alloc(3), b.subarray(at)]);
      moved.writeBigUInt64LE(BigInt(at + 3), 0x28);
      return moved;
    },
    'odd-null-name': odd((e) => { e.sections[0].name = 5; }),
    'odd-null-flags': odd((e) => { e.sections[0].flags = 2; }),
    'odd-null-size': odd((e) => { e.sections[0].forced = { size: 5 }; }),
    'odd-null-addr': odd((e) => { e.sections[0].addr = 5; }),
    'odd-null-info': odd((e) => { e.sections[0].info = 5; e.sections[0].link = 99; e.sections[0].addralign = 77; e.sections[0].entsize = 9; }),
    'odd-null-type': odd((e) => { e.sections[0].type = 1; }),
  };

  const PAYLOAD = Buffer.from('0123456789abcdef');
  const extra = {
    'odd-two-this': odd((e) => { e.add(THIS, { flags: 3, data: Buffer.from(e.section(THIS).data), addralign: 64 }); }),
    'odd-two-modinfo': odd((e) => { e.add('.modinfo', { flags: 2, data: Buffer.from('license=Proprietary\0name=other\0') }); }),
    'odd-two-versions': odd((e) => { e.add('__versions', { flags: 2, data: Buffer.alloc(64) }); }),
    'odd-two-symtabs': odd((e) => { e.add('.symtab2', { type: SHT.SYMTAB, data: Buffer.alloc(48), link: e.index('.strtab'), info: 1, entsize: 24 }); }),
    'odd-two-symtabs-empty': odd((e) => { e.add('.symtab2', { type: SHT.SYMTAB, data: Buffer.alloc(0), link: e.index('.strtab'), entsize: 24 }); }),
    'odd-extra-wx': odd((e) => { e.add('.wx', { flags: 7, data: PAYLOAD }); }),
    'odd-extra-wx-empty': odd((e) => { e.add('.wx', { flags: 7 }); }),
    'odd-extra-wx-noalloc': odd((e) => { e.add('.wx', { flags: 5, data: PAYLOAD }); }),
    'odd-extra-wx-nobits': odd((e) => { e.add('.wx', { flags: 7, type: SHT.NOBITS, size: 100 }); }),
    'odd-extra-wx-two': odd((e) => { e.add('.wx1', { flags: 7, data: PAYLOAD }); e.add('.wx2', { flags: 7, data: PAYLOAD }); }),
    'odd-extra-exec-only': odd((e) => { e.add('.xonly', { flags: 6, data: PAYLOAD }); }),
    'odd-extra-alloc-only': odd((e) => { e.add('.aonly', { flags: 2, data: PAYLOAD, addralign: 4096 }); }),
    'odd-extra-init': odd((e) => { e.add('.init.something', { flags: 3, data: PAYLOAD }); }),
    'odd-extra-init-named': odd((e) => { e.add('.initx', { flags: 3, data: PAYLOAD }); }),
    'odd-extra-exit-named': odd((e) => { e.add('.exitx', { flags: 3, data: PAYLOAD }); }),
    'odd-extra-big-bss': odd((e) => { e.add('.bigbss', { flags: 3, type: SHT.NOBITS, size: 40 << 20 }); }),
    'odd-extra-huge-bss': odd((e) => { e.add('.hugebss', { flags: 3, type: SHT.NOBITS, size: 3n << 30n }); }),
    'odd-extra-top-bss': odd((e) => { e.add('.topbss', { flags: 3, type: SHT.NOBITS, size: (1n << 64n) - 8n }); }),
    'odd-extra-percpu': odd((e) => { e.add('.data..percpu', { flags: 3, data: PAYLOAD, addralign: 64 }); }),
    'odd-extra-percpu-noalloc': odd((e) => { e.add('.data..percpu', { flags: 1, data: PAYLOAD, addralign: 64 }); }),
    'odd-extra-percpu-nobits': odd((e) => { e.add('.data..percpu', { flags: 3, type: SHT.NOBITS, size: 64 }); }),
    'odd-extra-percpu-align': odd((e) => { e.add('.data..percpu', { flags: 3, data: PAYLOAD, addralign: 0x2000 }); }),
    'odd-extra-percpu-align-3': odd((e) => { e.add('.data..percpu', { flags: 3, data: PAYLOAD, addralign: 3 }); }),
    'odd-extra-percpu-big': odd((e) => { e.add('.data..percpu', { flags: 3, type: SHT.NOBITS, size: 1 << 20 }); }),
    'odd-extra-same-name': odd((e) => { e.add('.text', { flags: 6, data: PAYLOAD }); e.add('.text', { flags: 6, data: PAYLOAD }); }),
    'odd-extra-group': odd((e) => { e.add('.group', { type: SHT.GROUP, data: Buffer.alloc(8), link: e.index('.symtab'), info: 1, entsize: 4 }); }),
    'odd-extra-overlap': odd((e) => { const i = e.add('.overlap', { flags: 2, data: PAYLOAD }); e.sections[i].forced = { offset: 0, size: 512 }; }),
    'odd-extra-header': odd((e) => { const i = e.add('.head', { flags: 2 }); e.sections[i].forced = { offset: 0, size: 64 }; }),
    'odd-extra-at-end': odd((e) => { const i = e.add('.end', { flags: 0 }); e.sections[i].forced = { offset: 0x7fffffff, size: 0 }; }),
    'odd-extra-wrap': odd((e) => { const i = e.add('.wrap', { flags: 0 }); e.sections[i].forced = { offset: (1n << 64n) - 16n, size: 32 }; }),
    'odd-extra-note': odd((e) => { e.add('.note.odd', { type: SHT.NOTE, flags: 2, data: Buffer.from('garbage') }); }),
    'odd-extra-ctors': odd((e) => { e.add('.ctors', { flags: 3, data: Buffer.alloc(0) }); }),
    'odd-extra-ctors-and-init-array': odd((e) => { e.add('.ctors', { flags: 3, data: Buffer.alloc(0) }); e.add('.init_array', { flags: 3, data: Buffer.alloc(0), type: SHT.INIT_ARRAY }); }),
    'odd-extra-param-short': odd((e) => { e.add('__param', { flags: 2, data: Buffer.alloc(13) }); }),
    'odd-extra-ex-table-short': odd((e) => { e.add('__ex_table', { flags: 2, data: Buffer.alloc(7) }); }),
    'odd-extra-ksymtab-short': odd((e) => { e.add('__ksymtab', { flags: 2, data: Buffer.alloc(5) }); }),
    'odd-extra-bug-table-short': odd((e) => { e.add('__bug_table', { flags: 3, data: Buffer.alloc(5) }); }),
    'odd-extra-obsparm': odd((e) => { e.add('__obsparm', { flags: 2, data: PAYLOAD }); }),
    'odd-extra-kcrctab': odd((e) => { e.add('__kcrctab', { flags: 2, data: PAYLOAD }); }),
    'odd-extra-jump-table-short': odd((e) => { e.add('__jump_table', { flags: 3, data: Buffer.alloc(9) }); }),
    'odd-extra-retpoline-short': odd((e) => { e.add('.retpoline_sites', { flags: 2, data: Buffer.alloc(3) }); }),
    'odd-extra-smp-locks-short': odd((e) => { e.add('.smp_locks', { flags: 2, data: Buffer.alloc(3) }); }),
    'odd-orc-lost': odd((e) => e.rename('.orc_unwind', '.was_orc')),
    'odd-orcip-lost': odd((e) => e.rename('.orc_unwind_ip', '.was_orc_ip')),
    'odd-orc-short': odd((e) => e.contents('.orc_unwind', e.section('.orc_unwind').data.subarray(0, 12))),
    'odd-orc-odd': odd((e) => e.contents('.orc_unwind', e.section('.orc_unwind').data.subarray(0, 13))),
    'odd-orcip-odd': odd((e) => { e.contents('.orc_unwind_ip', Buffer.alloc(17)); }),
    'odd-returns-lost': odd((e) => e.rename('.return_sites', '.was_returns')),
    'odd-returns-short': odd((e) => e.set('.return_sites', { size: 7 })),
    'odd-returns-text': odd((e) => e.rela('.rela.return_sites', 0, { symbol: 2, addend: 5 })),
    'odd-returns-jmp': odd((e) => e.rela('.rela.return_sites', 1, { symbol: 2, addend: 12 })),
    'odd-returns-data': odd((e) => e.rela('.rela.return_sites', 0, { symbol: 3, addend: 0 })),
    'odd-mcount-odd': odd((e) => e.rela('.rela__mcount_loc', 0, { addend: 1 })),
    'odd-mcount-nop': odd((e) => e.rela('.rela__mcount_loc', 0, { addend: 5 })),
    'odd-mcount-data': odd((e) => e.rela('.rela__mcount_loc', 0, { symbol: 3 })),
    'odd-mcount-zero': odd((e) => e.rela('.rela__mcount_loc', 0, { type: R.NONE })),
    'odd-mcount-short': odd((e) => e.set('__mcount_loc', { size: 7 })),
    'odd-mcount-lost': odd((e) => e.rename('__mcount_loc', '__was_mcount')),
    'odd-text-init-only': odd((e) => e.rename('.init.text', '.text.init')),
    'odd-this-in-init': odd((e) => { e.symbol('__this_module', { value: 8 }); }),
  };

  const symbols = {
    'odd-symbol-shndx-none': odd((e) => { e.addSymbol({ name: 'odd', shndx: 200 }); }),
    'odd-symbol-shndx-none-used': odd((e) => e.symbol(3, { shndx: 200 })),
    'odd-symbol-shndx-last': odd((e) => { e.addSymbol({ name: 'odd', shndx: e.sections.length }); }),
    'odd-symbol-shndx-reserved': odd((e) => { e.addSymbol({ name: 'odd', shndx: 0xff05 }); }),
    'odd-symbol-shndx-livepatch': odd((e) => { e.addSymbol({ name: 'odd', shndx: 0xff20 }); }),
    'odd-symbol-shndx-extended': odd((e) => { e.addSymbol({ name: 'odd', shndx: 0xffff }); }),
    'odd-symbol-abs': odd((e) => { e.addSymbol({ name: 'odd', shndx: 0xfff1, value: 0x1234 }); }),
    'odd-symbol-common': odd((e) => { e.addSymbol({ name: 'odd_common', shndx: 0xfff2, size: 8, info: 0x11 }); }),
    'odd-symbol-common-lto': odd((e) => { e.addSymbol({ name: '__gnu_lto_slim', shndx: 0xfff2, size: 1, info: 0x11 }); }),
    'odd-symbol-commons': odd((e) => { for (const n of ['odd_a', 'odd_b']) e.addSymbol({ name: n, shndx: 0xfff2, size: 8, info: 0x11 }); }),
    'odd-symbol-common-unknown': odd((e) => { e.addSymbol({ name: 'odd_common', shndx: 0xfff2, size: 8, info: 0x11 }); e.addSymbol({ name: 'odd_unknown', info: 0x10 }); }),
    'odd-symbol-unknown-common': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0x10 }); e.addSymbol({ name: 'odd_common', shndx: 0xfff2, size: 8, info: 0x11 }); }),
    'odd-symbol-unknown-local': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0 }); }),
    'odd-symbol-unknown-weak': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0x20 }); }),
    'odd-symbol-unknown-unique': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0xa0 }); }),
    'odd-symbol-unknown-hidden': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0x10, other: 2 }); }),
    'odd-symbol-unknown-nameless': odd((e) => { e.addSymbol({ name: 0, info: 0x10 }); }),
    'odd-symbol-unknown-twice': odd((e) => { e.addSymbol({ name: 'odd_unknown', info: 0x10 }); e.addSymbol({ name: 'odd_unknown', info: 0x10 }); }),
    'odd-symbol-known-twice': odd((e) => { e.addSymbol({ name: '_printk', info: 0x10 }); }),
    'odd-symbol-ignored': odd((e) => { e.addSymbol({ name: '_GLOBAL_OFFSET_TABLE_', info: 0x10 }); }),
    'odd-symbol-name-outside': odd((e) => { e.addSymbol({ name: 0x20000, info: 0x10 }); }),
    'odd-symbol-name-outside-defined': odd((e) => { e.addSymbol({ name: 0x20000, info: 0x11, shndx: 3 }); }),
    'odd-symbol-value-outside': odd((e) => { e.addSymbol({ name: 'odd', info: 0x11, shndx: e.index('.init.text'), value: 0x100000 }); }),
    'odd-symbol-value-top': odd((e) => { e.addSymbol({ name: 'odd', info: 0x11, shndx: e.index('.init.text'), value: -1n }); }),
    'odd-symbol-size-top': odd((e) => { e.addSymbol({ name: 'odd', info: 0x11, shndx: e.index('.init.text'), size: -1n }); }),
    'odd-symbol-noalloc': odd((e) => { e.addSymbol({ name: 'odd', info: 0x11, shndx: e.index('.comment'), value: 1 }); }),
    'odd-symbol-tls': odd((e) => { e.addSymbol({ name: 'odd', info: 0x16, shndx: e.index('.data') }); }),
    'odd-symbol-first': odd((e) => e.symbol(0, { name: 'odd_first', info: 0x10, value: 5 })),
    'odd-symbol-size': odd((e) => e.contents('.symtab', Buffer.concat([e.section('.symtab').data, Buffer.alloc(7)]))),
    'odd-symbol-info': odd((e) => e.set('.symtab', { info: 0 })),
    'odd-symbol-strings-unterminated': odd((e) => { const t = e.section('.strtab'); t.data = t.data.subarray(0, t.data.length - 1); }),
    'odd-symbol-strings-first': odd((e) => e.poke('.strtab', 0, [0x41])),
    'odd-symbol-strings-type': odd((e) => e.set('.strtab', { type: SHT.PROGBITS })),
    'odd-symbol-long': odd((e) => { e.addSymbol({ name: `odd_${'x'.repeat(700)}`, info: 0x10 }); }),
    'odd-symbol-long-defined': odd((e) => { e.addSymbol({ name: `odd_${'x'.repeat(700)}`, info: 0x11, shndx: e.index('.init.text') }); }),
    'odd-symbol-percent': odd((e) => { e.addSymbol({ name: 'odd%s%n', info: 0x10 }); }),
  };

  const INIT = '.rela.init.text', EXIT = '.rela.exit.text';
  const relocations = {
    'odd-rela-nonzero-32s': odd((e) => e.poke('.init.text', 8, [1, 0, 0, 0])),
    'odd-rela-nonzero-plt32': odd((e) => e.poke('.init.text', 0xd, [1])),
    'odd-rela-nonzero-pc32': odd((e) => e.poke('.return_sites', 4, [0, 0, 1])),
    'odd-rela-nonzero-64': odd((e) => e.poke('.init.data', 0, [0, 0, 0, 0, 0, 0, 0, 0x80])),
    'odd-rela-nonzero-this': odd((e) => e.poke(THIS, 0x138, [7])),
    'odd-rela-nonzero-two': odd((e) => { e.poke('.init.text', 0xd, [1]); e.poke('.init.text', 8, [1]); }),
    'odd-rela-nonzero-none': odd((e) => { e.poke('.init.text', 0xd, [1]); e.rela(INIT, 2, { type: 0 }); e.poke('.init.text', 0xc, [0x90, 0x90, 0x90, 0x90, 0x90]); }),
    'odd-rela-nonzero-and-overflow': odd((e) => { e.poke('.init.text', 8, [1]); e.rela(INIT, 1, { addend: 1n << 40n }); }),
    'odd-rela-twice': odd((e) => e.addRela(INIT, { offset: 8, type: R['32S'], symbol: 3, addend: 0 })),
    'odd-rela-overflow-32s': odd((e) => e.rela(INIT, 1, { addend: 1n << 40n })),
    'odd-rela-overflow-32': odd((e) => e.rela(INIT, 1, { type: R['32'] })),
    'odd-rela-overflow-pc32': odd((e) => e.rela(INIT, 0, { type: R.PC32, addend: 1n << 33n })),
    'odd-rela-overflow-two': odd((e) => { e.rela(INIT, 1, { addend: 1n << 40n }); e.rela(INIT, 2, { addend: 1n << 33n }); }),
    'odd-rela-overflow-abs': odd((e) => { const s = e.addSymbol({ name: 'far', shndx: 0xfff1, value: 0x1122334455667788n, info: 0x10 }); e.rela(INIT, 1, { symbol: s }); }),
    'odd-rela-abs-zero': odd((e) => { const s = e.addSymbol({ name: 'far', shndx: 0xfff1, value: 0, info: 0x10 }); e.rela(INIT, 3, { symbol: s, addend: 0 }); }),
    'odd-rela-32-small': odd((e) => { const s = e.addSymbol({ name: 'near', shndx: 0xfff1, value: 0x1234, info: 0x10 }); e.add('.odd', { flags: 2, data: Buffer.alloc(8) }); e.add('.rela.odd', { type: SHT.RELA, flags: 0x40, link: e.index('.symtab'), info: e.index('.odd'), entsize: 24, addralign: 8 }); e.addRela('.rela.odd', { offset: 0, type: R['32'], symbol: s, addend: 4 }); }),
    'odd-rela-pc64': odd((e) => { e.add('.odd', { flags: 2, data: Buffer.alloc(8) }); e.add('.rela.odd', { type: SHT.RELA, flags: 0x40, link: e.index('.symtab'), info: e.index('.odd'), entsize: 24, addralign: 8 }); e.addRela('.rela.odd', { offset: 0, type: R.PC64, symbol: 3, addend: 4 }); }),
    'odd-rela-pc64-nonzero': odd((e) => { e.add('.odd', { flags: 2, data: Buffer.alloc(8, 1) }); e.add('.rela.odd', { type: SHT.RELA, flags: 0x40, link: e.index('.symtab'), info: e.index('.odd'), entsize: 24, addralign: 8 }); e.addRela('.rela.odd', { offset: 0, type: R.PC64, symbol: 3, addend: 4 }); }),
    ...Object.fromEntries([3, 5, 6, 8, 9, 12, 13, 14, 15, 16, 25, 26, 32, 33, 41, 42, 99, 0x80000001].map((type) => [`odd-rela-type-${type}`, odd((e) => e.rela(INIT, 1, { type }))])),
    'odd-rela-symbol-null': odd((e) => e.rela(INIT, 1, { symbol: 0 })),
    'odd-rela-symbol-outside': odd((e) => e.rela(INIT, 1, { symbol: 5000 })),
    'odd-rela-symbol-noalloc': odd((e) => { const s = e.addSymbol({ name: 'odd', info: 0x11, shndx: e.index('.comment') }); e.rela(INIT, 1, { symbol: s }); }),
    'odd-rela-symbol-versions': odd((e) => e.rela(INIT, 1, { symbol: e.symbolNamed('____versions') })),
    'odd-rela-offset-next': odd((e) => e.addRela(EXIT, { offset: 8, type: R.PC32, symbol: 1, addend: 0 })),
    'odd-rela-offset-outside': odd((e) => e.addRela(EXIT, { offset: 1n << 44n, type: R.PC32, symbol: 1, addend: 0 })),
    'odd-rela-offset-none': odd((e) => e.addRela(EXIT, { offset: 1n << 62n, type: R.NONE, symbol: 1, addend: 0 })),
    'odd-rela-info-0': odd((e) => e.set('.rela.return_sites', { info: 0 })),
    'odd-rela-info-outside': odd((e) => e.set('.rela.return_sites', { info: 200 })),
    'odd-rela-info-noalloc': odd((e) => e.set('.rela.return_sites', { info: e.index('.comment') })),
    'odd-rela-info-other': odd((e) => e.set('.rela.exit.data', { info: e.index('.init.data') })),
    'odd-rela-link-0': odd((e) => e.set(INIT, { link: 0 })),
    'odd-rela-link-outside': odd((e) => e.set(INIT, { link: 200 })),
    'odd-rela-entsize-8': odd((e) => e.set(INIT, { entsize: 8 })),
    'odd-rela-size-odd': odd((e) => e.contents(INIT, Buffer.concat([e.section(INIT).data, Buffer.alloc(11)]))),
    'odd-rela-alloc': odd((e) => e.set(INIT, { flags: 0x42 })),
    'odd-rela-livepatch': odd((e) => e.set('.rela.exit.data', { flags: 0x100040 })),
    'odd-rela-livepatch-alloc': odd((e) => e.set('.rela.exit.data', { flags: 0x100042 })),
    'odd-rel': odd((e) => e.set('.rela.exit.data', { type: SHT.REL, entsize: 16 })),
    'odd-rel-empty': odd((e) => { e.add('.rel.odd', { type: SHT.REL, link: e.index('.symtab'), info: e.index('.exit.data'), entsize: 16 }); }),
    'odd-rel-noalloc': odd((e) => { e.add('.rel.comment', { type: SHT.REL, data: Buffer.alloc(16), link: e.index('.symtab'), info: e.index('.comment'), entsize: 16 }); }),
    'odd-rel-info-0': odd((e) => { e.add('.rel.odd', { type: SHT.REL, data: Buffer.alloc(16), link: e.index('.symtab'), info: 0, entsize: 16 }); }),
    'odd-rel-info-outside': odd((e) => { e.add('.rel.odd', { type: SHT.REL, data: Buffer.alloc(16), link: e.index('.symtab'), info: 200, entsize: 16 }); }),
    'odd-rel-before-overflow': odd((e) => { e.set('.rela.exit.text', { type: SHT.REL, entsize: 16 }); e.rela(INIT, 1, { addend: 1n << 40n }); }),
    'odd-rel-after-overflow': odd((e) => { e.set('.rela.exit.data', { type: SHT.REL, entsize: 16 }); e.rela(INIT, 1, { addend: 1n << 40n }); }),
    'odd-rela-unknown-symbol': odd((e) => { e.rela(INIT, 1, { addend: 1n << 40n }); e.addSymbol({ name: 'odd_unknown', info: 0x10 }); }),
  };

  const at = (bytes) => Buffer.from(bytes);
  const thisName = (name) => odd((e) => e.poke(THIS, 0x18, at(Buffer.from(name, 'latin1'))));
  const versions = (change) => odd((e) => change(e.section('__versions').data, e));
  const others = {
    'odd-name-55': thisName('n'.repeat(55)),
    'odd-name-56': thisName('n'.repeat(56)),
    'odd-name-dash': thisName('trust-me\0'),
    'odd-name-dots': thisName('..\0'),
    'odd-name-space': thisName('trust me\0'),
    'odd-name-percent': thisName('%s%d\0'),
    'odd-crc-high': versions((d) => { for (let i = 0; i < d.length; i += 64) d.writeUInt32LE(0xffffffff, i + 4); }),
    'odd-crc-high-one': versions((d) => d.writeUInt32LE(1, 4)),
    'odd-versions-unterminated': versions((d) => d.fill(0x41, 8, 64)),
    'odd-versions-short': odd((e) => e.contents('__versions', e.section('__versions').data.subarray(0, 255))),
    'odd-versions-tail': odd((e) => e.contents('__versions', Buffer.concat([e.section('__versions').data, Buffer.alloc(9)]))),
    'odd-versions-twice': odd((e) => { const d = e.section('__versions').data; const wrong = Buffer.from(d); for (let i = 0; i < d.length; i += 64) wrong[i] ^= 1; e.contents('__versions', Buffer.concat([d, wrong])); }),
    'odd-versions-twice-wrong': odd((e) => { const d = e.section('__versions').data; const wrong = Buffer.from(d); for (let i = 0; i < d.length; i += 64) wrong[i] ^= 1; e.contents('__versions', Buffer.concat([wrong, d])); }),
    'odd-this-init-data': odd((e) => e.rela('.rela.gnu.linkonce.this_module', 0, { type: R.NONE })),
    'odd-this-exit-lost': odd((e) => e.rela('.rela.gnu.linkonce.this_module', 1, { type: R.NONE })),
    'odd-this-bigger': odd((e) => e.contents(THIS, Buffer.concat([e.section(THIS).data, Buffer.alloc(640)]))),
    'odd-this-rodata': odd((e) => e.set(THIS, { flags: 2 })),
    'odd-this-dirty': odd((e) => e.poke(THIS, 0, Buffer.alloc(0x18, 0xff))),
    'odd-this-dirty-refs': odd((e) => { const d = e.section(THIS).data; d.fill(0xff, 0x358, d.length); }),
    'odd-tail': () => Buffer.concat([new Elf(base()).build(), Buffer.from('garbage behind')]),
  };
  return { ...sections, ...headers, ...extra, ...symbols, ...relocations, ...others };
}
