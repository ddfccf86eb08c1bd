/** What a handle stands for at the moment. */
export interface Holder {
  device: object | undefined;
}

/** What a handle needs of whom it came from. */
export interface HandleOwner<M = unknown> {
  /** The machine that it is plugged into. */
  readonly machine: M;
  /** The device now, in a machine that is booted if none was. */
  current(holder: Holder): object;
  /** Does something to the device in a way that can be done again. */
  act(holder: Holder, action: (device: object) => unknown): unknown;
}

const handles = new WeakMap<object, { readonly holder: Holder; readonly owner: HandleOwner }>();

/** Methods by which tests change a device, and which are done again in a machine that is booted again. */
const ACTIONS: ReadonlySet<PropertyKey> = new Set(['set']);

/** A device that stays the same for its test while machines come and go. */
export function deviceHandle<D extends object>(holder: Holder, owner: HandleOwner): D {
  const handle = new Proxy({} as D, {
    get(_, property) {
      const device = owner.current(holder);
      const value: unknown = Reflect.get(device, property, device);
      if (typeof value !== 'function') return value;
      if (!ACTIONS.has(property)) return value.bind(device);
      return (...args: unknown[]) =>
        owner.act(holder, (now) =>
          (Reflect.get(now, property, now) as (...all: unknown[]) => unknown).apply(now, args),
        );
    },
    set(_, property, value) {
      return Reflect.set(owner.current(holder), property, value);
    },
    has: (_, property) => Reflect.has(owner.current(holder), property),
    ownKeys: () => Reflect.ownKeys(owner.current(holder)),
    getOwnPropertyDescriptor(_, property) {
      const found = Reflect.getOwnPropertyDescriptor(owner.current(holder), property);
      // The proxy's own target has no such property, and may only show what it could have.
      return found && { ...found, configurable: true };
    },
  });
  handles.set(handle, { holder, owner });
  return handle;
}

/** What is behind a handle. Throws TypeError for what is none. */
export function behind(handle: unknown): { readonly holder: Holder; readonly owner: HandleOwner } {
  const found = typeof handle === 'object' && handle !== null ? handles.get(handle) : undefined;
  if (!found) throw new TypeError('this is no device that plug() gave');
  return found;
}
