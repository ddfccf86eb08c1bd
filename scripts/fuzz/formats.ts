import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { initramfsEntries } from '../../src/formats/archive/cpio.js';
import { debFiles } from '../../src/formats/archive/deb.js';
import { tarEntries } from '../../src/formats/archive/tar.js';
import { Btf, UnknownTypeError } from '../../src/formats/btf/index.js';
import { unpack } from '../../src/formats/compressed/unpack.js';
import { parseElf } from '../../src/formats/elf/index.js';
import { FormatError } from '../../src/formats/format-error.js';
import { parseBuiltinModinfo, parseModinfo } from '../../src/formats/modinfo.js';
import { moduleExports } from '../../src/formats/module-exports.js';
import { splitModuleSignature } from '../../src/formats/module-signature.js';
import { parseExtendedModversions, parseModversions } from '../../src/formats/modversions.js';
import { emptyConfig } from '../../src/kmod/config/modprobe-config.js';
import { parseConfigFile } from '../../src/kmod/config/parse-config.js';
import { TrieReader } from '../../src/kmod/index/trie-reader.js';
import { TrieWriter } from '../../src/kmod/index/trie-writer.js';
import { loadBundledBtf } from '../../src/testing/bundled.js';
import { Keyring, verifyModule } from '../../src/trust/index.js';
import type { FuzzTarget, Seed } from './target.js';

const MODULES = new URL('../../tests/modules/', import.meta.url);
const LIMIT = 64 << 20;

const file = (path: string): Seed => ({
  name: path,
  bytes: new Uint8Array(readFileSync(new URL(path, MODULES))),
});

const own = (folder = ''): string[] =>
  readdirSync(new URL(folder, MODULES))
    .filter((name) => name.endsWith('.ko'))
    .map((name) => `${folder}${name}`);

/** A reader that refuses with FormatError, and with nothing else. */
const refusing =
  (read: (bytes: Uint8Array) => void) =>
  (bytes: Uint8Array): void => {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  };

/** Output of a tool, as a seed; none where the tool is not installed. */
function madeBy(command: string, args: readonly string[], input: Uint8Array | string): Seed[] {
  const { status, stdout } = spawnSync(command, args, { input, maxBuffer: 1 << 26 });
  return status === 0 ? [{ name: command, bytes: new Uint8Array(stdout) }] : [];
}

const hello = (): Uint8Array => file('hello.ko').bytes;

function readWholeModule(bytes: Uint8Array): void {
  const elf = parseElf(splitModuleSignature(bytes, 'fuzzed').module, 'fuzzed');
  elf.symbols();
  for (const section of elf.relocationSections()) for (const _ of elf.relocations(section));
  parseModinfo(elf.section('.modinfo')?.data ?? new Uint8Array());
  parseModversions(elf);
  parseExtendedModversions(elf);
  moduleExports(elf);
}

function readTypes(btf: Btf, from: number): void {
  const ask = (question: () => unknown): void => {
    try {
      question();
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
    }
  };
  for (let ref = from; ref < btf.typeCount; ref++)
    for (const question of [
      () => btf.typeName(ref),
      () => btf.classify(ref),
      () => btf.sizeOf(ref),
      () => btf.structMembers(ref),
    ])
      ask(question);
}

let base: Btf | undefined;

/** Entries of a small archive of a module and a text, made by the system's own tools. */
const archive = (script: string): Seed[] =>
  madeBy(
    'sh',
    ['-c', `set -e; d=$(mktemp -d); cd $d; trap 'rm -r $d' EXIT; mkdir a; cat > a/x.ko; ${script}`],
    hello(),
  );

export const FORMATS: readonly FuzzTarget[] = [
  { name: 'elf', seeds: () => own().map(file), run: refusing(readWholeModule) },
  {
    name: 'btf',
    seeds: () =>
      own().flatMap((name) => {
        const data = parseElf(file(name).bytes, name).section('.BTF')?.data;
        return data
          ? [
              {
                name,
                bytes: new Uint8Array(data),
                regions: [
                  [0, 24],
                  [24, data.length - 24],
                ] as const,
              },
            ]
          : [];
      }),
    run: refusing((bytes) => {
      base ??= Btf.parse(loadBundledBtf(), 'vmlinux');
      readTypes(Btf.parseSplit(base, bytes, 'fuzzed'), base.typeCount);
    }),
  },
  {
    name: 'modinfo',
    seeds: () => [
      {
        name: 'a section',
        bytes: new TextEncoder().encode('license=GPL\0alias=pci:v*\0parm=x:what\0parmtype=x:int\0'),
      },
      {
        name: 'of built-ins',
        bytes: new TextEncoder().encode('a.license=GPL\0a.alias=x*\0b.file=lib/b\0b.parm=x:y\0'),
      },
    ],
    run: refusing((bytes) => {
      parseModinfo(bytes);
      parseBuiltinModinfo(bytes);
    }),
  },
  {
    name: 'signature',
    seeds: () => own('trust/').map(file),
    run: refusing((bytes) => void verifyModule(bytes, Keyring.of([]), 'fuzzed')),
  },
  ...(['xz', 'zstd', 'gzip'] as const).map((tool) => ({
    name: tool,
    seeds: () => madeBy(tool, ['-c'], hello()),
    run: refusing((bytes) => void unpack(bytes, 'fuzzed', LIMIT)),
  })),
  {
    name: 'tar',
    seeds: () => archive('tar -cf - a'),
    run: refusing((bytes) => {
      for (const _ of tarEntries([bytes], 'fuzzed', () => true));
    }),
  },
  {
    name: 'cpio',
    seeds: () => archive('find . | cpio -o -H newc --quiet'),
    run: refusing((bytes) => {
      for (const _ of initramfsEntries(bytes, 'fuzzed'));
    }),
  },
  {
    name: 'deb',
    seeds: () =>
      archive(
        'tar -cf data.tar a; echo 2.0 > debian-binary; ar r x.deb debian-binary data.tar 2>/dev/null; cat x.deb',
      ),
    run: refusing((bytes) => {
      for (const _ of debFiles(bytes, 'fuzzed', () => true));
    }),
  },
  {
    name: 'index',
    seeds: () => {
      const trie = new TrieWriter();
      for (const [key, value] of [
        ['usb:v1d6b*', 'a'],
        ['usb:v1d6bp0002*', 'b'],
        ['pci:v[0-9]*', 'c'],
        ['x', 'd'],
      ])
        trie.insert(key, value, 1);
      return [{ name: 'a trie', bytes: trie.bytes() }];
    },
    run: refusing((bytes) => {
      const trie = new TrieReader(bytes, 'fuzzed');
      trie.find('x');
      trie.match('usb:v1d6bp0002d');
      for (const _ of trie.entries());
    }),
  },
  {
    name: 'configuration',
    seeds: () => [
      {
        name: 'modprobe.d',
        bytes: new TextEncoder().encode(
          'alias a* b\noptions b x=1 y="2 3"\ninstall c /bin/true \\\n $CMDLINE_OPTS\nblacklist d\nsoftdep e pre: f post: g\nweakdep h i\n',
        ),
      },
    ],
    run: refusing((bytes) => parseConfigFile(emptyConfig(), String.fromCharCode(...bytes), 'fuzzed')),
  },
];
