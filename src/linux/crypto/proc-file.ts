import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import { ProcFs } from '../fs/proc/procfs.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import {
  FLAG_ASYNC,
  FLAG_INTERNAL,
  FLAG_TESTED,
  TYPE_AEAD,
  TYPE_AHASH,
  TYPE_AKCIPHER,
  TYPE_CIPHER,
  TYPE_COMPRESS,
  TYPE_KPP,
  TYPE_MASK,
  TYPE_RNG,
  TYPE_SCOMPRESS,
  TYPE_SHASH,
  TYPE_SKCIPHER,
} from './types.js';

/** A line besides those that all have: its label and where in the algorithm the number is. */
type Row = readonly [label: string, member: string];

interface Shown {
  readonly type: string;
  /** The struct around struct crypto_alg, and its member that is that. */
  readonly container?: string;
  /** Whether it says if it is asynchronous. */
  readonly async?: boolean;
  readonly rows: readonly Row[];
}

const BLOCKSIZE: Row = ['blocksize', 'base.cra_blocksize'];
const SHOWN: Readonly<Record<number, Shown>> = {
  [TYPE_CIPHER]: {
    type: 'cipher',
    rows: [
      ['blocksize', 'cra_blocksize'],
      ['min keysize', 'cra_u.cipher.cia_min_keysize'],
      ['max keysize', 'cra_u.cipher.cia_max_keysize'],
    ],
  },
  [TYPE_COMPRESS]: { type: 'compression', rows: [] },
  [TYPE_SHASH]: { type: 'shash', container: 'shash_alg', rows: [BLOCKSIZE, ['digestsize', 'digestsize']] },
  [TYPE_AHASH]: {
    type: 'ahash',
    container: 'ahash_alg',
    async: true,
    rows: [
      ['blocksize', 'halg.base.cra_blocksize'],
      ['digestsize', 'halg.digestsize'],
    ],
  },
  [TYPE_SKCIPHER]: {
    type: 'skcipher',
    container: 'skcipher_alg',
    async: true,
    rows: [
      BLOCKSIZE,
      ['min keysize', 'min_keysize'],
      ['max keysize', 'max_keysize'],
      ['ivsize', 'ivsize'],
      ['chunksize', 'chunksize'],
      ['walksize', 'walksize'],
    ],
  },
  [TYPE_AEAD]: {
    type: 'aead',
    container: 'aead_alg',
    async: true,
    rows: [BLOCKSIZE, ['ivsize', 'ivsize'], ['maxauthsize', 'maxauthsize']],
  },
  [TYPE_RNG]: { type: 'rng', container: 'rng_alg', rows: [['seedsize', 'seedsize']] },
  [TYPE_AKCIPHER]: { type: 'akcipher', rows: [] },
  [TYPE_KPP]: { type: 'kpp', rows: [] },
  [TYPE_SCOMPRESS]: { type: 'scomp', rows: [] },
};

/** /proc/crypto (crypto/proc.c). */
export class CryptoProcFile implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.k.get(ProcFs).addText('crypto', { text: () => procCrypto(this.k) });
  }
}

/** /proc/crypto (crypto/proc.c): the registered algorithms, the latest first. */
function procCrypto(k: LinuxKernel): string {
  if (!k.hasSymbol('crypto_alg_list')) return '';
  const type = k.struct('crypto_alg');
  const head = k.symbol('crypto_alg_list');
  return [...list.entries(k.space, head)].map((entry) => describe(k, type.of(entry, 'cra_list'))).join('');
}

function describe(k: LinuxKernel, alg: Ptr): string {
  const type = k.struct('crypto_alg');
  const flags = type.get(alg, 'cra_flags');
  const owner = type.get(alg, 'cra_module');
  const shown = SHOWN[flags & TYPE_MASK];
  const lines: (readonly [string, string | number])[] = [
    ['name', type.text(alg, 'cra_name')],
    ['driver', type.text(alg, 'cra_driver_name')],
    [
      'module',
      k
        .get(Modules)
        .list()
        .find(({ struct }) => struct === owner)?.name ?? 'kernel',
    ],
    ['priority', type.get(alg, 'cra_priority')],
    ['refcnt', type.get(alg, 'cra_refcnt.refs.counter')],
    ['selftest', flags & FLAG_TESTED ? 'passed' : 'unknown'],
    ['internal', flags & FLAG_INTERNAL ? 'yes' : 'no'],
    ['type', shown?.type ?? 'unknown'],
  ];
  if (shown?.async) lines.push(['async', flags & FLAG_ASYNC ? 'yes' : 'no']);
  for (const [label, member] of shown?.rows ?? []) lines.push([label, number(k, alg, shown!, member)]);
  if (shown?.type === 'aead') lines.push(['geniv', '<none>']);
  return `${lines.map(([label, value]) => `${label.padEnd(13)}: ${value}\n`).join('')}\n`;
}

function number(k: LinuxKernel, alg: Ptr, { container }: Shown, member: string): number {
  if (!container) return k.struct('crypto_alg').get(alg, member);
  const outer = k.struct(container);
  const base = container === 'ahash_alg' ? 'halg.base' : 'base';
  return outer.has(member) ? outer.get(outer.of(alg, base), member) : 0;
}
