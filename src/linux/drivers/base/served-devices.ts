/** The devices that drivers of a module are for, by name: what a fault in the module is about. */
export class ServedDevices {
  private readonly bound: string[] = [];
  /** Being probed or removed, the innermost last. */
  private readonly handled: string[] = [];
  private last: string | undefined;

  /** A device is probed or removed, until the function that this gives is called. */
  handle(device: string): () => void {
    this.handled.push(device);
    this.last = device;
    return () => void remove(this.handled, device);
  }

  bind(device: string): void {
    this.bound.push(device);
  }

  unbind(device: string): void {
    remove(this.bound, device);
  }

  /** The one at hand, else those that are bound, else the one that was the last; undefined where there never was any. */
  names(): string | undefined {
    const handled = this.handled.at(-1);
    if (handled !== undefined) return handled;
    return this.bound.length > 0 ? this.bound.join(', ') : this.last;
  }
}

function remove(list: string[], name: string): void {
  const at = list.lastIndexOf(name);
  if (at >= 0) list.splice(at, 1);
}
