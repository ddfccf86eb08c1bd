import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import type { Holding } from '../../holding.js';
import type { Subsystem } from '../../subsystem.js';

/** Ioctls of sockets that a module serves as a whole, by the function that installs their handler. */
const SETTERS = ['brioctl_set', 'vlan_ioctl_set'] as const;
type Setter = (typeof SETTERS)[number];

/** Hooks that socket ioctls call once a module has installed them (net/socket.c). */
export class SocketIoctlHooks implements Subsystem {
  private readonly hooks = new Map<Setter, Ptr>();
  readonly exports: Readonly<Record<string, AnyFunction>> = Object.fromEntries(
    SETTERS.map((name) => [name, (hook: Ptr) => void this.hooks.set(name, hook)]),
  );

  *holds(): Generator<Holding> {
    for (const [name, at] of this.hooks)
      if (at !== 0) yield { kind: 'socket ioctl hook', at, name: () => name };
  }

  /** The handler that a setter was given last, 0 for none. */
  handler(setter: Setter): Ptr {
    return this.hooks.get(setter) ?? 0;
  }
}
