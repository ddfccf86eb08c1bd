import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, ENOSPC, ENXIO, EOPNOTSUPP } from '../errno.js';
import { EventHandlers } from '../kern/eventhandler.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Ifnets } from './if.js';
import { IfGroups } from './if-group.js';
import { Vnet } from './vnet.js';

/** struct if_clone, which only if_clone.c looks into. */
interface Cloner {
  readonly at: Ptr;
  readonly name: string;
  readonly vnet: Ptr;
  readonly maxUnit: number;
  readonly units: Set<number>;
  readonly interfaces: Set<Ptr>;
  readonly methods: Methods;
}

type Methods =
  | { readonly kind: 'simple'; readonly create: Ptr; readonly destroy: Ptr; readonly minimum: number }
  | { readonly kind: 'advanced'; readonly match: Ptr; readonly create: Ptr; readonly destroy: Ptr }
  | {
      readonly kind: 'request';
      readonly flags: number;
      readonly match: Ptr;
      readonly create: Ptr;
      readonly destroy: Ptr;
    };

const CLONER_BYTES = 64;
/** IF_MAXUNIT (sys/net/if.h). */
const MAX_UNIT = 0x7fff;

/** Interfaces that are made by name, `ifconfig gif0 create` (sys/net/if_clone.c). */
export class IfClones implements Subsystem {
  private readonly cloners = new Map<Ptr, Cloner>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    if_clone_simple: (name: Ptr, create: Ptr, destroy: Ptr, minimum: number) =>
      this.attachSimple(this.k.space.cstring(name), create, destroy, minimum),
    if_clone_advanced: (name: Ptr, maxUnit: number, match: Ptr, create: Ptr, destroy: Ptr) =>
      this.attach(this.k.space.cstring(name), maxUnit || MAX_UNIT, {
        kind: 'advanced',
        match,
        create,
        destroy,
      }),
    ifc_attach_cloner: (name: Ptr, request: Ptr) => this.attachRequest(this.k.space.cstring(name), request),
    if_clone_detach: (cloner: Ptr) => this.detach(cloner),
    ifc_detach_cloner: (cloner: Ptr) => this.detach(cloner),
    ifc_name2unit: (name: Ptr, unit: Ptr) => this.nameToUnit(name, unit),
    ifc_alloc_unit: (cloner: Ptr, unit: Ptr) => this.allocUnit(this.at(cloner), unit),
    ifc_free_unit: (cloner: Ptr, unit: number) => void this.at(cloner).units.delete(unit),
    ifc_link_ifp: (cloner: Ptr, ifp: Ptr) => this.link(this.at(cloner), ifp),
    if_clone_addif: (cloner: Ptr, ifp: Ptr) => this.link(this.at(cloner), ifp),
    ifc_unlink_ifp: (cloner: Ptr, ifp: Ptr) => this.unlink(this.at(cloner), ifp),
    if_clone_destroyif: (cloner: Ptr, ifp: Ptr) => this.destroyInterface(this.at(cloner), ifp, 0),
    if_clone_create: (name: Ptr, size: number, params: Ptr) => this.createNamed(name, size, params, 0),
    if_clone_destroy: (name: Ptr) => this.destroyNamed(this.k.space.cstring(name)),
    ifc_create_ifp: (name: Ptr, data: Ptr, place: Ptr) => this.createIfp(name, data, place),
    ifc_copyin: (data: Ptr, to: Ptr, bytes: number) => this.copyin(data, to, bytes),
  };

  private at(at: Ptr): Cloner {
    const cloner = this.cloners.get(at);
    if (cloner) return cloner;
    return this.k.panic(`0x${this.k.space.toAddress(at).toString(16)} is no cloner of interfaces`);
  }

  private *attach(name: string, maxUnit: number, methods: Methods): Sleepable<Ptr> {
    const { k } = this;
    const vnet = k.get(Vnet).current;
    for (const other of this.cloners.values()) if (other.vnet === vnet && other.name === name) return 0;
    const at = k.slab.allocateBytes(CLONER_BYTES, true);
    const units = new Set<number>();
    this.cloners.set(at, { at, name, vnet, maxUnit, units, interfaces: new Set(), methods });
    k.origins.note(at);
    yield* k.get(EventHandlers).invoke('if_clone_event', 'v:pp', at);
    return at;
  }

  /** Its first interfaces come at once. */
  private *attachSimple(name: string, create: Ptr, destroy: Ptr, minimum: number): Sleepable<Ptr> {
    const at = yield* this.attach(name, MAX_UNIT, { kind: 'simple', create, destroy, minimum });
    if (at === 0) return 0;
    for (let unit = 0; unit < minimum; unit++) yield* this.create(this.at(at), `${name}${unit}`, 0, 0);
    return at;
  }

  private *attachRequest(name: string, request: Ptr): Sleepable<Ptr> {
    const type = this.k.struct('if_clone_addreq');
    const version = type.get(request, 'version');
    if (version !== 0 && version !== 2) return 0;
    const [match, create, destroy] = ['match_f', 'create_f', 'destroy_f'].map((member) =>
      type.get(request, member),
    );
    if (create === 0 || destroy === 0) return 0;
    const flags = type.get(request, 'flags');
    const limit = flags & this.k.macro('IFC_F_LIMITUNIT') ? type.get(request, 'maxunit') : 0;
    return yield* this.attach(name, limit || MAX_UNIT, { kind: 'request', flags, match, create, destroy });
  }

  /** Its interfaces go before it. */
  private *detach(at: Ptr): Sleepable<void> {
    const { k } = this;
    const cloner = this.at(at);
    this.cloners.delete(at);
    for (const ifp of [...cloner.interfaces])
      yield* this.destroyInterface(cloner, ifp, k.macro('IFC_F_FORCE'));
    k.origins.forget(at);
    k.slab.free(at);
  }

  private *link(cloner: Cloner, ifp: Ptr): Sleepable<void> {
    if (ifp === 0) return;
    yield* this.k.get(IfGroups).add(ifp, cloner.name);
    cloner.interfaces.add(ifp);
  }

  private *unlink(cloner: Cloner, ifp: Ptr): Sleepable<boolean> {
    if (!cloner.interfaces.delete(ifp)) return false;
    yield* this.k.get(IfGroups).remove(ifp, cloner.name);
    return true;
  }

  private *destroyInterface(cloner: Cloner, ifp: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const vnet = k.struct('ifnet').get(ifp, 'if_vnet') || cloner.vnet;
    return yield* k.get(Vnet).within(vnet, this.destroyWithin(cloner, ifp, flags));
  }

  private *destroyWithin(cloner: Cloner, ifp: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const { methods, at } = cloner;
    const unit = k.struct('ifnet').get(ifp, 'if_dunit');
    const force = (flags & k.macro('IFC_F_FORCE')) !== 0;
    if (methods.kind === 'simple' && unit < methods.minimum && !force) return EINVAL;
    if (!(yield* this.unlink(cloner, ifp))) return EINVAL;
    if (methods.kind === 'simple') {
      yield* k.callAs('v:p', methods.destroy, ifp);
      cloner.units.delete(unit);
      return 0;
    }
    const auto = methods.kind === 'request' && (methods.flags & k.macro('IFC_F_AUTOUNIT')) !== 0;
    const error =
      methods.kind === 'request'
        ? yield* k.callAs('i:ppu', methods.destroy, at, ifp, flags)
        : yield* k.callAs('i:pp', methods.destroy, at, ifp);
    if (error !== 0) yield* this.link(cloner, ifp);
    else if (auto) cloner.units.delete(unit);
    return error;
  }

  private nameToUnit(name: Ptr, place: Ptr): number {
    const unit = unitOf(this.k.space.cstring(name));
    if (unit === undefined) return EINVAL;
    this.k.space.store32(place, unit >>> 0);
    return 0;
  }

  /** Takes the unit that is asked for, or with a negative one the lowest that no interface has. */
  private allocUnit(cloner: Cloner, place: Ptr): number {
    const { space } = this.k;
    const wanted = space.loadInt32(place);
    const unit = this.takeUnit(cloner, wanted);
    if (unit === undefined) return wanted < 0 ? ENOSPC : EEXIST;
    space.store32(place, unit);
    return 0;
  }

  private takeUnit({ name, units, maxUnit }: Cloner, wanted: number): number | undefined {
    const isFree = (unit: number): boolean =>
      !units.has(unit) && this.k.get(Ifnets).named(`${name}${unit}`) === undefined;
    let unit = Math.max(wanted, 0);
    if (wanted < 0) while (unit <= maxUnit && !isFree(unit)) unit++;
    if (unit > maxUnit || !isFree(unit)) return undefined;
    units.add(unit);
    return unit;
  }

  /** Whose interface a name would be, in the current network stack. */
  private *clonerOf(name: Ptr): Sleepable<Cloner | undefined> {
    const { k } = this;
    const text = k.space.cstring(name);
    for (const cloner of this.cloners.values()) {
      if (cloner.vnet !== k.get(Vnet).current) continue;
      const { methods } = cloner;
      if (methods.kind === 'simple' || methods.match === 0) {
        if (text.startsWith(cloner.name) && /^\d*$/.test(text.slice(cloner.name.length))) return cloner;
      } else if (yield* k.callAs('i:pp', methods.match, cloner.at, name)) return cloner;
    }
    return undefined;
  }

  private *createNamed(name: Ptr, size: number, params: Ptr, data: Ptr): Sleepable<number> {
    const { k } = this;
    const cloner = yield* this.clonerOf(name);
    if (!cloner) return EINVAL;
    const text = k.space.cstring(name, size);
    if (k.get(Ifnets).named(text) !== undefined) return EEXIST;
    const result = yield* this.create(cloner, text, params, data);
    if (result.error === 0) k.space.storeCstring(name, result.name.slice(0, size - 1));
    return result.error;
  }

  private *createIfp(name: Ptr, data: Ptr, place: Ptr): Sleepable<number> {
    const { k } = this;
    const result = yield* this.createCopied(k.space.cstring(name), data);
    if (result.error === 0 && place !== 0) k.space.storePtr(place, k.get(Ifnets).named(result.name) ?? 0);
    return result.error;
  }

  /** ifconfig(8)'s create: the name that came of it, or an error. */
  *createInterface(name: string): Sleepable<{ readonly error: number; readonly name: string }> {
    const { k } = this;
    return yield* k.get(Vnet).within(k.get(Vnet).ofThread, this.createCopied(name, 0));
  }

  /** With a copy of the name, which the cloner may write to. */
  private *createCopied(
    name: string,
    data: Ptr,
  ): Sleepable<{ readonly error: number; readonly name: string }> {
    const { k } = this;
    const size = k.macro('IFNAMSIZ');
    const buffer = k.slab.allocateBytes(size, true);
    k.space.storeCstring(buffer, name.slice(0, size - 1));
    const error = yield* this.createNamed(buffer, size, 0, data);
    const made = k.space.cstring(buffer);
    k.slab.free(buffer);
    return { error, name: made };
  }

  private *create(
    cloner: Cloner,
    name: string,
    params: Ptr,
    given: Ptr,
  ): Sleepable<{ readonly error: number; readonly name: string }> {
    const { k } = this;
    const { methods } = cloner;
    let made = name;
    const unit = unitOf(name) ?? -1;
    const auto =
      methods.kind === 'simple' ||
      (methods.kind === 'request' && (methods.flags & k.macro('IFC_F_AUTOUNIT')) !== 0);
    const taken = auto ? this.takeUnit(cloner, unit) : unit;
    if (taken === undefined) return { error: unit < 0 ? ENOSPC : EEXIST, name };
    if (auto && unit < 0) made = `${name}${taken}`;
    const result =
      methods.kind === 'simple'
        ? { error: yield* k.callAs('i:pip', methods.create, cloner.at, taken, params), name: made, ifp: 0 }
        : yield* this.callCreate(cloner, methods, { name: made, unit: taken, params, given });
    if (result.error !== 0) {
      if (auto) cloner.units.delete(taken);
      return result;
    }
    const ifp = result.ifp || k.get(Ifnets).named(result.name) || 0;
    if (ifp !== 0 && !cloner.interfaces.has(ifp)) yield* this.link(cloner, ifp);
    return { error: 0, name: result.name };
  }

  private *callCreate(
    cloner: Cloner,
    methods: Exclude<Methods, { readonly kind: 'simple' }>,
    { name, unit, params, given }: { name: string; unit: number; params: Ptr; given: Ptr },
  ): Sleepable<{ readonly error: number; readonly name: string; readonly ifp: Ptr }> {
    const { k } = this;
    const size = k.macro('IFNAMSIZ');
    const type = k.struct('ifc_data');
    const buffer = k.slab.allocateBytes(size + 8 + type.size, true);
    const [place, data] = [buffer + size, buffer + size + 8];
    k.space.storeCstring(buffer, name.slice(0, size - 1));
    if (given !== 0) k.space.writable(data, type.size).set(k.space.readable(given, type.size));
    else type.set(data, 'params', params);
    type.set(data, 'unit', unit >>> 0);
    type.set(data, 'vnet', k.get(Vnet).current);
    const error =
      methods.kind === 'request'
        ? yield* k.callAs('i:ppLpp', methods.create, cloner.at, buffer, size, data, place)
        : yield* k.callAs('i:ppLp', methods.create, cloner.at, buffer, size, params);
    const result = { error, name: k.space.cstring(buffer), ifp: error === 0 ? k.space.loadPtr(place) : 0 };
    k.slab.free(buffer);
    return result;
  }

  /** ifconfig(8)'s destroy. */
  *destroyNamed(name: string): Sleepable<number> {
    const ifp = this.k.get(Ifnets).named(name);
    if (ifp === undefined) return ENXIO;
    for (const cloner of this.cloners.values())
      if (cloner.interfaces.has(ifp)) return yield* this.destroyInterface(cloner, ifp, 0);
    return EOPNOTSUPP;
  }

  /** What `ifconfig` gives with a request to create: from user memory, unless the kernel itself asks. */
  private copyin(data: Ptr, to: Ptr, bytes: number): number {
    const type = this.k.struct('ifc_data');
    const params = type.get(data, 'params');
    if (params === 0) return EINVAL;
    this.k.space.writable(to, bytes).set(this.k.space.readable(params, bytes));
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const { at, name, methods } of this.cloners.values()) {
      const { create, destroy } = methods;
      yield {
        kind: 'interface cloner',
        at,
        uses: [create, destroy],
        by: this.k.origins.of(at),
        name: () => name,
      };
    }
  }
}

/** The digits that a name ends in: -1 for none, undefined for too many. */
function unitOf(name: string): number | undefined {
  const digits = /\d*$/.exec(name)?.[0] ?? '';
  if (digits === '') return -1;
  if (digits.length > 1 && digits.startsWith('0')) return undefined;
  const unit = Number(digits);
  return unit > 0x7fff_ffff ? undefined : unit;
}
