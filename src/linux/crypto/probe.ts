import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoTemplates } from './templates.js';
import { FLAG_TESTED } from './types.js';

/** How long an asking task waits (crypto_larval_wait()). */
const PROBE_PATIENCE_NS = 60e9;
const MAX_ATTRIBUTES = 32;
const WORD = /^[A-Za-z0-9_-]+/;

/**
 * What the crypto manager does with a name that no algorithm has (crypto/algboss.c): it takes `template(part,...)`
 * apart and lets the template make the instance, in a thread that the asking task waits for.
 */
export class CryptoManager implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  boot(): void {
    this.k.get(CryptoApi).instantiate = (name, type, mask) => this.probe(name, type, mask);
  }

  private *probe(name: string, type: number, mask: number): Sleepable<void> {
    const parsed = parseInstance(name);
    if (!parsed) return;
    const template = yield* this.k.get(CryptoTemplates).lookup(parsed.template);
    if (template === 0) return;
    const table = this.attributes(parsed.parts, type, mask);
    const attempt = { over: false };
    this.k.processes.create('cryptomgr_probe', this.make(template, table, attempt), { kernelThread: true });
    if (!attempt.over) yield* this.waiters.wait(table, TASK_UNINTERRUPTIBLE, PROBE_PATIENCE_NS);
  }

  /** In a thread of its own: what it allocates is nobody's who asked. */
  private *make(template: Ptr, table: Ptr, attempt: { over: boolean }): Sleepable<number> {
    const { k } = this;
    yield* k.struct('crypto_template').call(template, 'create', template, table);
    k.get(CryptoTemplates).put(template);
    attempt.over = true;
    this.waiters.wakeAll(table);
    k.slab.free(table);
    return 0;
  }

  /** The table of struct rtattr that a template's create() gets: what is wanted, then the names of the parts. */
  private attributes(parts: readonly string[], type: number, mask: number): Ptr {
    const { k } = this;
    const header = k.struct('rtattr');
    const kind = k.struct('crypto_attr_type');
    const partBytes = header.size + k.sizeOf('crypto_attr_alg');
    const tableBytes = (parts.length + 2) * 8;
    const kindBytes = header.size + kind.size;
    const table = k.slab.allocateBytes(tableBytes + kindBytes + parts.length * partBytes, true);
    const put = (index: number, at: Ptr, bytes: number, which: number): void => {
      k.space.storePtr(table + 8 * index, at);
      header.set(at, 'rta_len', bytes);
      header.set(at, 'rta_type', which);
    };
    const first = table + tableBytes;
    put(0, first, kindBytes, k.enumValue('CRYPTOA_TYPE'));
    kind.set(first + header.size, 'type', (type & ~FLAG_TESTED) >>> 0);
    kind.set(first + header.size, 'mask', (mask & ~FLAG_TESTED) >>> 0);
    parts.forEach((part, i) => {
      const at = first + kindBytes + i * partBytes;
      put(i + 1, at, partBytes, k.enumValue('CRYPTOA_ALG'));
      k.space.storeCstring(at + header.size, part);
    });
    return table;
  }
}

/** `gcm_base(ctr(aes),ghash)`: a template and the names in its parentheses. Undefined for anything else. */
export function parseInstance(
  name: string,
): { readonly template: string; readonly parts: readonly string[] } | undefined {
  const template = WORD.exec(name)?.[0];
  if (template === undefined || name[template.length] !== '(') return undefined;
  const parts: string[] = [];
  let at = template.length;
  do {
    const start = ++at;
    at += WORD.exec(name.slice(at))?.[0].length ?? 0;
    if (name[at] === '(') {
      const end = closing(name, at);
      if (end < 0) return undefined;
      at = end + 1;
    }
    if (at === start || parts.length === MAX_ATTRIBUTES) return undefined;
    parts.push(name.slice(start, at));
  } while (name[at] === ',');
  return name[at] === ')' ? { template, parts } : undefined;
}

/** Where the parenthesis at `from` is closed; -1 if it is not. */
function closing(name: string, from: number): number {
  let depth = 0;
  for (let at = from; at < name.length; at++) {
    if (name[at] === '(') depth++;
    else if (name[at] === ')' && --depth === 0) return at;
  }
  return -1;
}
