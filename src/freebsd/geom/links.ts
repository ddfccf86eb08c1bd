import type { Ptr } from '../../cpu/layout.js';
import { LinkedList } from '../kern/queue.js';
import type { FreebsdKernel } from '../kernel.js';

/** The lists that GEOM's structs are on (geom/geom.h). */
export class GeomLinks {
  readonly classes: LinkedList;
  private readonly geomsOfClass: LinkedList;
  private readonly providersOfGeom: LinkedList;
  private readonly consumersOfGeom: LinkedList;
  private readonly consumersOfProvider: LinkedList;

  constructor(private readonly k: FreebsdKernel) {
    const list = (struct: string, member: string): LinkedList =>
      new LinkedList(k.space, k.struct(struct).offsetOf(member));
    this.classes = list('g_class', 'class');
    this.geomsOfClass = list('g_geom', 'geom');
    this.providersOfGeom = list('g_provider', 'provider');
    this.consumersOfGeom = list('g_consumer', 'consumer');
    this.consumersOfProvider = list('g_consumer', 'consumers');
  }

  geoms(type: Ptr): Generator<Ptr> {
    return this.geomsOfClass.elements(this.k.struct('g_class').addr(type, 'geom'));
  }

  providers(geom: Ptr): Generator<Ptr> {
    return this.providersOfGeom.elements(this.k.struct('g_geom').addr(geom, 'provider'));
  }

  consumers(geom: Ptr): Generator<Ptr> {
    return this.consumersOfGeom.elements(this.k.struct('g_geom').addr(geom, 'consumer'));
  }

  /** Consumers that are attached to a provider. */
  attached(provider: Ptr): Generator<Ptr> {
    return this.consumersOfProvider.elements(this.k.struct('g_provider').addr(provider, 'consumers'));
  }

  addGeom(type: Ptr, geom: Ptr): void {
    this.geomsOfClass.insertHead(this.k.struct('g_class').addr(type, 'geom'), geom);
  }

  addProvider(geom: Ptr, provider: Ptr): void {
    this.providersOfGeom.insertHead(this.k.struct('g_geom').addr(geom, 'provider'), provider);
  }

  addConsumer(geom: Ptr, consumer: Ptr): void {
    this.consumersOfGeom.insertHead(this.k.struct('g_geom').addr(geom, 'consumer'), consumer);
  }

  attach(consumer: Ptr, provider: Ptr): void {
    this.consumersOfProvider.insertHead(this.k.struct('g_provider').addr(provider, 'consumers'), consumer);
  }

  removeGeom(geom: Ptr): void {
    this.geomsOfClass.remove(geom);
  }

  removeProvider(provider: Ptr): void {
    this.providersOfGeom.remove(provider);
  }

  removeConsumer(consumer: Ptr): void {
    this.consumersOfGeom.remove(consumer);
  }

  detach(consumer: Ptr): void {
    this.consumersOfProvider.remove(consumer);
  }
}
