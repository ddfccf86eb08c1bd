import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EFAULT, ENXIO } from '../errno.js';
import { Bios } from '../geom/bios.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Conf } from './conf.js';
import { Malloc } from './malloc.js';
import { SubrPrf } from './subr_prf.js';
import { Uio } from './uio.js';

/** physio(9): reads and writes of a program as requests to a device (sys/kern/kern_physio.c). */
export class Physio implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    physio: partly('data goes through memory of the kernel', (device: Ptr, uio: Ptr) =>
      this.physio(device, uio),
    ),
  };

  private *physio(device: Ptr, uio: Ptr): Sleepable<number> {
    const { k } = this;
    const devsw = k.get(Conf).devswOf(device);
    if (devsw === 0) return ENXIO;
    const most = this.largest(device);
    const bios = k.get(Bios);
    const bio = yield* bios.make(true);
    const type = k.struct('uio');
    const room = Math.min(most, Math.max(type.get(uio, 'uio_resid'), 1));
    const buffer = k.get(Malloc).malloc(room, k.variable('M_TEMP'), k.macro('M_WAITOK'));
    let error = 0;
    while (error === 0 && type.get(uio, 'uio_resid') > 0) {
      const moved = yield* this.piece({ device, devsw, uio, bio, buffer, most });
      if (moved.count === 0 && moved.error === 0) break;
      error = moved.error;
    }
    k.get(Malloc).free(buffer, k.variable('M_TEMP'));
    yield* bios.destroy(bio);
    return error;
  }

  /** Bytes that one request may have. */
  private largest(device: Ptr): number {
    const { k } = this;
    const cdev = k.struct('cdev');
    if (cdev.get(device, 'si_iosize_max') < PAGE_SIZE) {
      const size = cdev.get(device, 'si_iosize_max');
      const name = cdev.text(device, 'si_name');
      k.get(SubrPrf).line(`WARNING: ${name} si_iosize_max=${size}, using DFLTPHYS.`);
      cdev.set(device, 'si_iosize_max', k.macro('DFLTPHYS'));
    }
    return Math.min(cdev.get(device, 'si_iosize_max'), k.space.loadU64(k.variable('maxphys')));
  }

  /** One request, for what is left of the first vector that is not empty. */
  private *piece(work: Work): Sleepable<{ readonly count: number; readonly error: number }> {
    const { k } = this;
    const { device, devsw, uio, bio, buffer, most } = work;
    const type = k.struct('uio');
    const reads = type.get(uio, 'uio_rw') === k.enumValue('UIO_READ');
    const [vector, offset] = [type.get(uio, 'uio_iov'), type.get(uio, 'uio_offset')];
    const left = k.struct('iovec').get(vector, 'iov_len');
    if (left === 0) {
      type.set(uio, 'uio_iov', vector + k.sizeOf('iovec'));
      type.set(uio, 'uio_iovcnt', type.get(uio, 'uio_iovcnt') - 1);
      return { count: 1, error: 0 };
    }
    const length = Math.min(left, most);
    if (!reads && (yield* this.fetch(uio, buffer, length)) !== 0) return { count: 0, error: EFAULT };
    const bios = k.get(Bios);
    bios.exports.g_reset_bio(bio);
    const members = {
      bio_cmd: k.macro(reads ? 'BIO_READ' : 'BIO_WRITE'),
      bio_offset: offset,
      bio_length: length,
      bio_bcount: length,
      bio_data: buffer,
      bio_dev: device,
    };
    for (const [member, value] of Object.entries(members)) bios.type.set(bio, member, value);
    yield* k.struct('cdevsw').call(devsw, 'd_strategy', bio);
    yield* bios.wait(bio, reads ? 'physrd' : 'physwr');
    const count = bios.type.get(bio, 'bio_length') - bios.type.get(bio, 'bio_resid');
    const failed = bios.has(bio, 'BIO_ERROR');
    const error = failed ? bios.type.get(bio, 'bio_error') : 0;
    const faulted = reads ? yield* k.get(Uio).move(buffer, count, uio) : this.skip(uio, count);
    return { count, error: error || faulted };
  }

  /** Takes what will be written: the uio says afterwards that it is still to do. */
  private *fetch(uio: Ptr, buffer: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const [type, vector] = [k.struct('uio'), k.struct('iovec')];
    const iov = type.get(uio, 'uio_iov');
    const kept = {
      base: vector.get(iov, 'iov_base'),
      length: vector.get(iov, 'iov_len'),
      resid: type.get(uio, 'uio_resid'),
      offset: type.get(uio, 'uio_offset'),
    };
    const error = yield* k.get(Uio).move(buffer, length, uio);
    vector.set(iov, 'iov_base', kept.base);
    vector.set(iov, 'iov_len', kept.length);
    type.set(uio, 'uio_resid', kept.resid);
    type.set(uio, 'uio_offset', kept.offset);
    return error;
  }

  private skip(uio: Ptr, count: number): number {
    const { k } = this;
    const [type, vector] = [k.struct('uio'), k.struct('iovec')];
    const iov = type.get(uio, 'uio_iov');
    vector.set(iov, 'iov_base', vector.get(iov, 'iov_base') + count);
    vector.set(iov, 'iov_len', vector.get(iov, 'iov_len') - count);
    type.set(uio, 'uio_resid', type.get(uio, 'uio_resid') - count);
    type.set(uio, 'uio_offset', type.get(uio, 'uio_offset') + count);
    return 0;
  }
}

interface Work {
  readonly device: Ptr;
  readonly devsw: Ptr;
  readonly uio: Ptr;
  readonly bio: Ptr;
  readonly buffer: Ptr;
  readonly most: number;
}
