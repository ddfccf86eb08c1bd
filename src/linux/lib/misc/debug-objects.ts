import { PAGE_SHIFT, type Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { symbolize } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

interface ActiveObject {
  /** `timer_list` */
  readonly type: string;
  /** The function that it will call. */
  readonly hint: () => Ptr;
}

/**
 * Objects that must not go while they are active, wherever they are: pending timers, queued work (lib/debugobjects.c). Memory that is freed with
 * one in it is reported when it is freed, not when the timer fires; the log has it with CONFIG_DEBUG_OBJECTS_FREE.
 */
export class DebugObjects implements Subsystem {
  readonly exports = {};
  /** By page, so that what is freed is looked up at once. */
  private readonly pages = new Map<number, Map<Ptr, ActiveObject>>();

  constructor(private readonly k: LinuxKernel) {}

  /** A table of active objects of a type. `hint`: the function that one will call. */
  table<T>(type: string, hint: (at: Ptr) => Ptr): Map<Ptr, T> {
    return new ActiveTable<T>(this, type, hint);
  }

  activate(at: Ptr, object: ActiveObject): void {
    const page = at >>> PAGE_SHIFT;
    const objects = this.pages.get(page) ?? new Map<Ptr, ActiveObject>();
    this.pages.set(page, objects);
    objects.set(at, object);
  }

  deactivate(at: Ptr): void {
    const objects = this.pages.get(at >>> PAGE_SHIFT);
    if (objects?.delete(at) && objects.size === 0) this.pages.delete(at >>> PAGE_SHIFT);
  }

  /** debug_check_no_obj_freed(): memory is about to be given back. */
  checkFreed(start: Ptr, bytes: number): void {
    for (let page = start >>> PAGE_SHIFT; page <= (start + bytes - 1) >>> PAGE_SHIFT; page++)
      for (const [at, object] of this.pages.get(page) ?? [])
        if (at >= start && at < start + bytes) this.tell(at, object);
  }

  private tell(at: Ptr, { type, hint }: ActiveObject): void {
    const { k } = this;
    const message = `ODEBUG: free active (active state 0) object type: ${type} hint: ${symbolize(k, hint())}`;
    if (k.configured('CONFIG_DEBUG_OBJECTS_FREE')) k.log.line(message, LOGLEVEL_WARNING);
    k.traps.complain('bad-free', message, at);
  }
}

class ActiveTable<T> extends Map<Ptr, T> {
  constructor(
    private readonly objects: DebugObjects,
    private readonly type: string,
    private readonly hint: (at: Ptr) => Ptr,
  ) {
    super();
  }

  override set(at: Ptr, value: T): this {
    const { type, hint } = this;
    this.objects.activate(at, { type, hint: () => hint(at) });
    return super.set(at, value);
  }

  override delete(at: Ptr): boolean {
    this.objects.deactivate(at);
    return super.delete(at);
  }
}
