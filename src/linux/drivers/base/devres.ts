import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { duplicate, freeConst } from '../../kobject/names.js';
import { Vsprintf } from '../../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

type Release = (device: Ptr, data: Ptr) => void | Sleepable<void>;

interface Resource {
  /** What the driver sees: struct devres' data; 0 for groups and host resources without one. */
  readonly data: Ptr;
  readonly size: number;
  /** Release function in the guest, or the base kernel's own. */
  readonly release: Ptr | Release;
  /** Set on the two markers of a group. */
  readonly group?: { readonly id: Ptr; readonly open: boolean };
}

const PLACE = 'drivers/base/devres.c';
/** void (*action)(void *), a parameter of devm_add_action() and its kin. */
const ACTION = 'v:p';

/**
 * Managed device resources: what a driver acquired for a device goes when the driver is unbound, last come
 * first gone (Documentation/driver-api/driver-model/devres.rst).
 */
export class Devres implements Subsystem {
  private readonly byDevice = new Map<Ptr, Resource[]>();
  /** Allocated, not yet added to a device. */
  private readonly loose = new Map<Ptr, Resource>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __devres_alloc_node: (release: Ptr, size: number) => this.allocate(release, size),
    devres_add: (device: Ptr, data: Ptr) => this.add(device, data),
    devres_free: (data: Ptr) => this.free(data),
    devres_find: (device: Ptr, release: Ptr, match: Ptr, matchData: Ptr) =>
      this.find(device, release, match, matchData),
    devres_get: (device: Ptr, fresh: Ptr, match: Ptr, matchData: Ptr) =>
      this.findOrAdd(device, fresh, match, matchData),
    devres_remove: (device: Ptr, release: Ptr, match: Ptr, matchData: Ptr) =>
      this.remove(device, release, match, matchData),
    devres_destroy: (device: Ptr, release: Ptr, match: Ptr, matchData: Ptr) =>
      this.destroy(device, release, match, matchData),
    devres_release: (device: Ptr, release: Ptr, match: Ptr, matchData: Ptr) =>
      this.releaseOne(device, release, match, matchData),
    devres_open_group: (device: Ptr, id: Ptr) => this.openGroup(device, id),
    devres_close_group: (device: Ptr, id: Ptr) => void this.closeGroup(device, id),
    devres_remove_group: (device: Ptr, id: Ptr) => this.removeGroup(device, id),
    devres_release_group: (device: Ptr, id: Ptr) => this.releaseGroup(device, id),
    devres_for_each_res: (device: Ptr, release: Ptr, match: Ptr, matchData: Ptr, fn: Ptr, data: Ptr) =>
      this.forEach(device, release, match, matchData, fn, data),
    devm_kmalloc: (device: Ptr, size: number, flags: number) => this.kmalloc(device, size, flags),
    devm_krealloc: (device: Ptr, ptr: Ptr, size: number, flags: number) =>
      this.krealloc(device, ptr, size, flags),
    devm_kfree: (device: Ptr, ptr: Ptr) => this.kfree(device, ptr),
    devm_kmemdup: (device: Ptr, source: Ptr, size: number, flags: number) => {
      const copy = this.kmalloc(device, size, flags);
      if (copy !== 0) this.k.space.writable(copy, size).set(this.k.space.readable(source, size));
      return copy;
    },
    devm_kstrdup: (device: Ptr, text: Ptr) =>
      text === 0 ? 0 : this.string(device, this.k.space.cstring(text)),
    devm_kstrdup_const: (device: Ptr, text: Ptr) =>
      text === 0 ? 0 : this.string(device, this.k.space.cstring(text)),
    devm_kasprintf: (device: Ptr, _flags: number, fmt: Ptr, args: VarArgs) =>
      this.string(device, this.k.get(Vsprintf).text(fmt, args)),
    devm_kvasprintf: (device: Ptr, _flags: number, fmt: Ptr, args: Ptr) =>
      this.string(device, this.k.get(Vsprintf).text(fmt, this.k.convention.vaList(args))),
    devm_add_action: (device: Ptr, action: Ptr, data: Ptr) => this.addAction(device, action, data),
    __devm_add_action: (device: Ptr, action: Ptr, data: Ptr) => this.addAction(device, action, data),
    devm_remove_action: (device: Ptr, action: Ptr, data: Ptr) => {
      if (!this.takeAction(device, action, data)) warn(this.k, '', PLACE, 'devm_remove_action');
    },
    devm_release_action: (device: Ptr, action: Ptr, data: Ptr) => this.runAction(device, action, data),
    devm_get_free_pages: (device: Ptr, _flags: number, order: number) => this.pages(device, order),
    devm_free_pages: (device: Ptr, address: number) => this.freePages(device, address),
    __devm_alloc_percpu: (device: Ptr, size: number, align: number) => this.percpu(device, size, align),
    devm_free_percpu: (device: Ptr, offset: Ptr) => {
      if (this.takeHost(device, offset)) this.k.percpu.free(offset);
    },
  };

  readonly signatures = {
    devm_get_free_pages: 'p:piu',
    devm_free_pages: 'v:pp',
  };

  /** Adds a resource of the base kernel's own; `data` identifies it. */
  addHost(device: Ptr, data: Ptr, release: Release): void {
    this.list(device).push({ data, size: 0, release });
  }

  /** Takes such a resource away again without releasing it. False if there is none. */
  takeHost(device: Ptr, data: Ptr): boolean {
    return this.take(device, (resource) => typeof resource.release === 'function' && resource.data === data);
  }

  /** Whether a device has any. */
  has(device: Ptr): boolean {
    return (this.byDevice.get(device)?.length ?? 0) > 0;
  }

  /** devres_release_all(). */
  *releaseAll(device: Ptr): Sleepable<void> {
    const list = this.byDevice.get(device);
    while (list && list.length > 0) yield* this.run(device, list.pop()!);
    this.byDevice.delete(device);
  }

  /** devm_kmalloc(). */
  kmalloc(device: Ptr, size: number, flags: number): Ptr {
    if (size === 0) return 16;
    const data = this.k.slab.allocateBytes(size, (flags & GFP_ZERO) !== 0);
    if (data !== 0) this.list(device).push({ data, size, release: freeMemory(this.k) });
    return data;
  }

  /** devm_kstrdup(). */
  string(device: Ptr, text: string): Ptr {
    const data = duplicate(this.k, text);
    if (data !== 0) this.list(device).push({ data, size: text.length + 1, release: freeMemory(this.k) });
    return data;
  }

  /** devm_add_action() of a guest function. */
  addAction(device: Ptr, action: Ptr, argument: Ptr): number {
    const run = (): Sleepable<void> => this.act(action, argument);
    this.list(device).push({ data: 0, size: 0, release: Object.assign(run, { action, argument }) });
    return 0;
  }

  private *act(action: Ptr, argument: Ptr): Sleepable<void> {
    yield* this.k.callAs(ACTION, action, argument);
  }

  private allocate(release: Ptr, size: number): Ptr {
    const data = this.k.slab.allocateBytes(Math.max(size, 1), true);
    if (data !== 0) this.loose.set(data, { data, size, release });
    return data;
  }

  private add(device: Ptr, data: Ptr): void {
    const resource = this.loose.get(data);
    if (!resource) return;
    this.loose.delete(data);
    this.list(device).push(resource);
  }

  private free(data: Ptr): void {
    if (data === 0) return;
    this.loose.delete(data);
    this.k.slab.free(data);
  }

  private list(device: Ptr): Resource[] {
    let list = this.byDevice.get(device);
    if (!list) {
      list = [];
      this.byDevice.set(device, list);
    }
    return list;
  }

  /** The newest resource with that release function that `match` accepts. */
  private *search(device: Ptr, release: Ptr, match: Ptr, matchData: Ptr): Sleepable<Resource | undefined> {
    for (const resource of [...(this.byDevice.get(device) ?? [])].reverse()) {
      if (resource.release !== release) continue;
      if (match === 0 || (yield* this.k.callAs('dr_match_t', match, device, resource.data, matchData)) !== 0)
        return resource;
    }
    return undefined;
  }

  private *find(device: Ptr, release: Ptr, match: Ptr, matchData: Ptr): Sleepable<Ptr> {
    return (yield* this.search(device, release, match, matchData))?.data ?? 0;
  }

  private *findOrAdd(device: Ptr, fresh: Ptr, match: Ptr, matchData: Ptr): Sleepable<Ptr> {
    const release = this.loose.get(fresh)?.release;
    const known =
      typeof release === 'number' ? yield* this.search(device, release, match, matchData) : undefined;
    if (known) {
      this.free(fresh);
      return known.data;
    }
    this.add(device, fresh);
    return fresh;
  }

  private *remove(device: Ptr, release: Ptr, match: Ptr, matchData: Ptr): Sleepable<Ptr> {
    const resource = yield* this.search(device, release, match, matchData);
    if (!resource) return 0;
    this.drop(device, resource);
    this.loose.set(resource.data, resource);
    return resource.data;
  }

  private *destroy(device: Ptr, release: Ptr, match: Ptr, matchData: Ptr): Sleepable<number> {
    const data = yield* this.remove(device, release, match, matchData);
    if (data === 0) return -ENOENT;
    this.free(data);
    return 0;
  }

  private *releaseOne(device: Ptr, release: Ptr, match: Ptr, matchData: Ptr): Sleepable<number> {
    const resource = yield* this.search(device, release, match, matchData);
    if (!resource) return -ENOENT;
    this.drop(device, resource);
    yield* this.run(device, resource);
    return 0;
  }

  private *forEach(
    device: Ptr,
    release: Ptr,
    match: Ptr,
    matchData: Ptr,
    fn: Ptr,
    data: Ptr,
  ): Sleepable<void> {
    for (const resource of [...(this.byDevice.get(device) ?? [])].reverse()) {
      if (resource.release !== release) continue;
      if (match !== 0 && (yield* this.k.callAs('dr_match_t', match, device, resource.data, matchData)) === 0)
        continue;
      // void (*fn)(struct device *, void *, void *), a parameter of devres_for_each_res().
      yield* this.k.callAs('v:ppp', fn, device, resource.data, data);
    }
  }

  private drop(device: Ptr, resource: Resource): void {
    const list = this.list(device);
    list.splice(list.indexOf(resource), 1);
  }

  private take(device: Ptr, wanted: (resource: Resource) => boolean): boolean {
    const found = [...(this.byDevice.get(device) ?? [])].reverse().find(wanted);
    if (found) this.drop(device, found);
    return found !== undefined;
  }

  private *run(device: Ptr, resource: Resource): Sleepable<void> {
    const { release, data } = resource;
    if (resource.group) return;
    if (typeof release === 'function') yield* this.k.wait(release(device, data));
    else {
      yield* this.k.callAs('dr_release_t', release, device, data);
      this.k.slab.free(data);
    }
  }

  private krealloc(device: Ptr, ptr: Ptr, size: number, flags: number): Ptr {
    if (size === 0) {
      this.kfree(device, ptr);
      return 16;
    }
    const old = this.list(device).find((resource) => resource.data === ptr);
    const fresh = this.kmalloc(device, size, flags);
    if (!old || fresh === 0) return fresh;
    const bytes = Math.min(old.size, size);
    this.k.space.writable(fresh, bytes).set(this.k.space.readable(ptr, bytes));
    this.kfree(device, ptr);
    return fresh;
  }

  /** devm_kfree() */
  kfree(device: Ptr, ptr: Ptr): void {
    if (ptr <= 16) return;
    if (this.takeHost(device, ptr)) freeConst(this.k, ptr);
    else if (this.k.ledger.get(ptr)) warn(this.k, '', PLACE, 'devm_kfree');
  }

  private takeAction(device: Ptr, action: Ptr, argument: Ptr): boolean {
    return this.take(device, ({ release }) => isAction(release, action, argument));
  }

  private *runAction(device: Ptr, action: Ptr, argument: Ptr): Sleepable<void> {
    if (this.takeAction(device, action, argument)) yield* this.act(action, argument);
    else warn(this.k, '', PLACE, 'devm_release_action');
  }

  private pages(device: Ptr, order: number): Ptr {
    const ptr = this.k.pages.allocate(order);
    if (ptr !== 0) this.addHost(device, ptr, (_device, data) => void this.k.pages.free(data));
    return ptr;
  }

  private freePages(device: Ptr, ptr: Ptr): void {
    if (this.takeHost(device, ptr)) this.k.pages.free(ptr);
  }

  private percpu(device: Ptr, size: number, align: number): Ptr {
    const offset = this.k.percpu.allocate(size, align);
    if (offset !== 0) this.addHost(device, offset, (_device, data) => void this.k.percpu.free(data));
    return offset;
  }

  private openGroup(device: Ptr, id: Ptr): Ptr {
    const { k } = this;
    const marker = k.slab.allocateBytes(1, false);
    if (marker === 0) return 0;
    const group = { id: id || marker, open: true };
    const release: Release = (_device, data) => void k.slab.free(data);
    this.list(device).push({ data: marker, size: 0, release, group });
    return group.id;
  }

  /** Index of the marker that opens a group; of the innermost open one for id 0. */
  private groupStart(device: Ptr, id: Ptr): number {
    const list = this.byDevice.get(device) ?? [];
    const closed = (index: number): boolean =>
      list.slice(index).some(({ group }) => group && !group.open && group.id === list[index].group?.id);
    for (let index = list.length - 1; index >= 0; index--) {
      const { group } = list[index];
      if (group?.open && (id === 0 ? !closed(index) : group.id === id)) return index;
    }
    return -1;
  }

  private groupEnd(device: Ptr, start: number): number {
    const list = this.list(device);
    const id = list[start].group?.id;
    const end = list.findIndex(
      ({ group }, index) => index > start && group?.open === false && group.id === id,
    );
    return end < 0 ? list.length : end + 1;
  }

  private closeGroup(device: Ptr, id: Ptr): number {
    const start = this.groupStart(device, id);
    if (start < 0) {
      warn(this.k, '', PLACE, 'devres_close_group');
      return -EINVAL;
    }
    const list = this.list(device);
    list.push({ data: 0, size: 0, release: 0, group: { id: list[start].group!.id, open: false } });
    return 0;
  }

  private removeGroup(device: Ptr, id: Ptr): void {
    const start = this.groupStart(device, id);
    if (start < 0) {
      warn(this.k, '', PLACE, 'devres_remove_group');
      return;
    }
    const list = this.list(device);
    const marker = list[start];
    const kept = list.filter(({ group }) => group?.id !== marker.group?.id);
    list.splice(0, list.length, ...kept);
    this.k.slab.free(marker.data);
  }

  private *releaseGroup(device: Ptr, id: Ptr): Sleepable<number> {
    const start = this.groupStart(device, id);
    if (start < 0) {
      if (!this.has(device)) return 0;
      warn(this.k, '', PLACE, 'devres_release_group');
      return 0;
    }
    const gone = this.list(device).splice(start, this.groupEnd(device, start) - start);
    for (const resource of gone.reverse()) {
      if (resource.group?.open) this.k.slab.free(resource.data);
      else yield* this.run(device, resource);
    }
    return gone.filter((resource) => !resource.group).length;
  }
}

type Action = Release & { readonly action: Ptr; readonly argument: Ptr };

function isAction(release: Ptr | Release, action: Ptr, argument: Ptr): boolean {
  if (typeof release !== 'function' || !('action' in release)) return false;
  const known = release as Action;
  return known.action === action && known.argument === argument;
}

function freeMemory(k: LinuxKernel): Release {
  return (_device, data) => freeConst(k, data);
}
