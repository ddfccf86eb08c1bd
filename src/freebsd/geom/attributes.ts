import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EFAULT, EINVAL } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Bios } from './bios.js';
import { GeomIo } from './io.js';

/** Attributes of providers: who asks for them by a request, and who answers (sys/geom/geom_io.c, geom_subr.c). */
export class GeomAttributes implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_io_getattr: (attribute: Ptr, consumer: Ptr, length: Ptr, data: Ptr) =>
      this.attribute(attribute, consumer, length, data),
    g_getattr__: (attribute: Ptr, consumer: Ptr, data: Ptr, length: number) =>
      this.attributeOf(attribute, consumer, data, length),
    g_handleattr: (bio: Ptr, attribute: Ptr, value: Ptr, length: number) =>
      this.handleAttribute(bio, attribute, value, length),
    g_handleattr_str: (bio: Ptr, attribute: Ptr, value: Ptr) =>
      this.handleAttribute(bio, attribute, value, 0),
    g_handleattr_int: (bio: Ptr, attribute: Ptr, value: number) =>
      this.handleNumber(bio, attribute, BigInt(value), 4),
    g_handleattr_uint16_t: (bio: Ptr, attribute: Ptr, value: number) =>
      this.handleNumber(bio, attribute, BigInt(value), 2),
    g_handleattr_off_t: (bio: Ptr, attribute: Ptr, value: number) =>
      this.handleNumber(bio, attribute, BigInt(value), 8),
  };

  private get io(): GeomIo {
    return this.k.get(GeomIo);
  }

  /** g_io_getattr(): `length` is an int with the room, and then what was filled of it. */
  *attribute(attribute: Ptr, consumer: Ptr, length: Ptr, data: Ptr): Sleepable<number> {
    const { k } = this;
    const request = {
      bio_cmd: k.macro('BIO_GETATTR'),
      bio_attribute: attribute,
      bio_length: k.space.loadInt32(length),
      bio_data: data,
    };
    const { error, completed } = yield* this.io.perform(consumer, request, 'ggetattr');
    k.space.store32(length, completed);
    return error;
  }

  private *attributeOf(attribute: Ptr, consumer: Ptr, data: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withScratch(k, 4, function* (at): Sleepable<number> {
      k.space.store32(at, length);
      const error = yield* self.attribute(attribute, consumer, at, data);
      if (error !== 0) return error;
      return k.space.loadInt32(at) === length ? 0 : EINVAL;
    });
  }

  private *handleNumber(bio: Ptr, attribute: Ptr, value: bigint, bytes: number): Sleepable<number> {
    const { k } = this;
    const self = this;
    return yield* withScratch(k, 8, function* (at): Sleepable<number> {
      k.space.store64(at, BigInt.asUintN(64, value));
      return yield* self.handleAttribute(bio, attribute, at, bytes);
    });
  }

  /** g_handleattr(): answers a request for an attribute, if it is that one. A length of 0: a string. */
  private *handleAttribute(bio: Ptr, attribute: Ptr, value: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const { type } = k.get(Bios);
    const name = k.space.cstring(attribute);
    if (type.string(bio, 'bio_attribute') !== name) return 0;
    const room = type.get(bio, 'bio_length');
    const bytes = length === 0 ? k.space.cstringLength(value, room) + 1 : length;
    const fits = length === 0 ? bytes <= room : bytes === room;
    if (!fits) {
      const what = length === 0 ? `strlen ${k.space.cstring(value).length}` : `len ${length}`;
      const to = k.struct('g_provider').string(type.get(bio, 'bio_to'), 'name');
      k.get(SubrPrf).line(`g_handleattr: ${to} ${name} bio_length ${room} ${what} -> EFAULT`);
    } else {
      const data = k.space.writable(type.get(bio, 'bio_data'), room);
      data.fill(0);
      data.set(k.space.readable(value, bytes));
      type.set(bio, 'bio_completed', room);
    }
    yield* this.io.deliver(bio, fits ? 0 : EFAULT);
    return 1;
  }
}
