import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { type ATOMIC, type BLOCKING, Notifiers } from './notifier.js';

/** A notifier chain that is a variable of the kernel's, and that functions of its own register with. */
export interface NamedChain {
  readonly register: string;
  readonly unregister: string;
  /** The variable that heads it. */
  readonly symbol: string;
  readonly type: typeof ATOMIC | typeof BLOCKING;
  /** What reports call it by: see Notifiers.nameChain(). */
  readonly title: string;
}

/** A chain that `register_NAME` and `unregister_NAME` are for. */
export function namedChain(
  symbol: string,
  type: NamedChain['type'],
  name: string,
  title: string,
): NamedChain {
  return { register: `register_${name}`, unregister: `unregister_${name}`, symbol, type, title };
}

/** The head of a chain: where symbol tables leave it out, in memory of its own. */
export function chainHead(k: LinuxKernel, { symbol, type, title }: NamedChain): Ptr {
  const head = k.variable(symbol, k.sizeOf(type));
  k.get(Notifiers).nameChain(head, title);
  return head;
}

/** The functions that register with chains. */
export function chainExports(
  k: LinuxKernel,
  chains: readonly NamedChain[],
): Record<string, (block: Ptr) => number> {
  return Object.fromEntries(
    chains.flatMap((chain) => [
      [
        chain.register,
        (block: Ptr) => k.get(Notifiers).register(chainHead(k, chain), block, false, chain.type),
      ],
      [chain.unregister, (block: Ptr) => k.get(Notifiers).unregister(chainHead(k, chain), block, chain.type)],
    ]),
  );
}
