import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, ENOENT } from '../errno.js';
import type { Holding } from '../holding.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';

/** Stop after this block (NOTIFY_STOP_MASK, include/linux/notifier.h). */
const NOTIFY_STOP_MASK = 0x8000;
const NOTIFY_DONE = 0;

/** The heads of chains that are called under RCU, and of those that are called under a lock that may sleep. */
export const ATOMIC = 'atomic_notifier_head';
export const BLOCKING = 'blocking_notifier_head';

type Head = 'atomic_notifier_head' | 'blocking_notifier_head' | 'raw_notifier_head' | 'srcu_notifier_head';

/** Notifier chains: lists of struct notifier_block ordered by priority (kernel/notifier.c). */
export class Notifiers implements Subsystem {
  private readonly chainNames = new Map<Ptr, string>();
  /** Blocks by the chains that they are in. */
  private readonly chains = new Map<Ptr, Map<Ptr, Head>>();

  constructor(private readonly k: LinuxKernel) {}

  /** Every block of every chain, by where it is. */
  *registered(): Iterable<{ readonly head: Ptr; readonly type: Head; readonly block: Ptr }> {
    for (const [head, blocks] of this.chains) for (const [block, type] of blocks) yield { head, type, block };
  }

  private note(head: Ptr, block: Ptr, type: Head): void {
    this.k.origins.note(block);
    const blocks = this.chains.get(head) ?? new Map<Ptr, Head>();
    this.chains.set(head, blocks.set(block, type));
  }

  private forget(head: Ptr, block: Ptr): void {
    const blocks = this.chains.get(head);
    blocks?.delete(block);
    if (blocks?.size === 0) this.chains.delete(head);
  }

  readonly exports = {
    blocking_notifier_chain_register: (head: Ptr, block: Ptr) => this.register(head, block),
    blocking_notifier_chain_register_unique_prio: (head: Ptr, block: Ptr) => this.register(head, block, true),
    blocking_notifier_chain_unregister: (head: Ptr, block: Ptr) => this.unregister(head, block),
    blocking_notifier_call_chain: (head: Ptr, value: number, data: Ptr) => this.callChain(head, value, data),
    atomic_notifier_chain_register: (head: Ptr, block: Ptr) =>
      this.register(head, block, false, 'atomic_notifier_head'),
    atomic_notifier_chain_unregister: (head: Ptr, block: Ptr) =>
      this.unregister(head, block, 'atomic_notifier_head'),
    atomic_notifier_call_chain: (head: Ptr, value: number, data: Ptr) =>
      this.callChain(head, value, data, 'atomic_notifier_head'),
    raw_notifier_chain_register: (head: Ptr, block: Ptr) =>
      this.register(head, block, false, 'raw_notifier_head'),
    raw_notifier_chain_unregister: (head: Ptr, block: Ptr) =>
      this.unregister(head, block, 'raw_notifier_head'),
    raw_notifier_call_chain: (head: Ptr, value: number, data: Ptr) =>
      this.callChain(head, value, data, 'raw_notifier_head'),
    srcu_notifier_chain_register: (head: Ptr, block: Ptr) =>
      this.register(head, block, false, 'srcu_notifier_head'),
    srcu_notifier_chain_unregister: (head: Ptr, block: Ptr) =>
      this.unregister(head, block, 'srcu_notifier_head'),
    srcu_notifier_call_chain: (head: Ptr, value: number, data: Ptr) =>
      this.callChain(head, value, data, 'srcu_notifier_head'),
    srcu_init_notifier_head: (head: Ptr) => this.k.struct('srcu_notifier_head').set(head, 'head', 0),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('notifier_block');
    for (const [head, blocks] of this.chains)
      for (const block of blocks.keys())
        if (this.k.space.canRead(block, type.size))
          yield {
            kind: this.kindOf(head),
            at: block,
            uses: [type.get(block, 'notifier_call')],
            name: () => '',
          };
  }

  /** `reboot notifier`, by the name of the kernel's variable or of what registers with the chain. */
  private kindOf(head: Ptr): string {
    const given = this.chainNames.get(head) ?? symbolAt(this.k, head)?.name ?? '';
    const name = given
      .replace(/^register_|_register_notifier$|_notifier$|_(notify|notif|notifier)?_?(list|chain|head)$/g, '')
      .replaceAll('_', ' ');
    return name === '' ? 'notifier' : `${name} notifier`;
  }

  /** Names a chain whose head is no variable of the kernel. */
  nameChain(head: Ptr, name: string): void {
    this.chainNames.set(head, name);
  }

  /** Takes the blocks of a module that goes off chains that stay: nobody could use those any more. */
  unhook(module: LoadedModule): void {
    for (const { head, type, block } of [...this.registered()])
      if (module.contains(block) && !module.contains(head)) this.unregister(head, block, type);
  }

  /** Adds a block behind those of the same or a higher priority. -EEXIST if it is there already. */
  register(head: Ptr, block: Ptr, unique = false, type: Head = 'blocking_notifier_head'): number {
    const nb = this.k.struct('notifier_block');
    const { space } = this.k;
    const priority = nb.get(block, 'priority');
    let link = this.k.struct(type).addr(head, 'head');
    for (let at = space.loadPtr(link); at !== 0; at = space.loadPtr(link)) {
      if (at === block) {
        const found = symbolAt(this.k, nb.get(block, 'notifier_call'));
        const of = found?.module === undefined ? '' : ` [${found.module}]`;
        const text = `notifier callback ${found?.name ?? ''}${of} already registered`;
        warn(this.k, text, 'kernel/notifier.c:28', 'notifier_chain_register');
        return -EEXIST;
      }
      if (priority > nb.get(at, 'priority')) break;
      if (unique && priority === nb.get(at, 'priority')) return -16;
      link = nb.addr(at, 'next');
    }
    nb.set(block, 'next', space.loadPtr(link));
    space.storePtr(link, block);
    this.note(head, block, type);
    return 0;
  }

  unregister(head: Ptr, block: Ptr, type: Head = 'blocking_notifier_head'): number {
    this.forget(head, block);
    const nb = this.k.struct('notifier_block');
    const { space } = this.k;
    let link = this.k.struct(type).addr(head, 'head');
    for (let at = space.loadPtr(link); at !== 0; at = space.loadPtr(link)) {
      if (at === block) {
        space.storePtr(link, nb.get(block, 'next'));
        return 0;
      }
      link = nb.addr(at, 'next');
    }
    return -ENOENT;
  }

  /** Calls every block until one says stop; its last result. */
  *callChain(head: Ptr, value: number, data: Ptr, type: Head = 'blocking_notifier_head'): Sleepable<number> {
    const nb = this.k.struct('notifier_block');
    let result = NOTIFY_DONE;
    let at = this.k.struct(type).get(head, 'head');
    while (at !== 0) {
      const next = nb.get(at, 'next');
      result = yield* nb.call(at, 'notifier_call', at, value, data);
      if (result & NOTIFY_STOP_MASK) break;
      at = next;
    }
    return result;
  }
}
