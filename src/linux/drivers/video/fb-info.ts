import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import { SlabExports } from '../../mm/slab.js';
import type { Subsystem } from '../../subsystem.js';

const NO_ROTATION_HINT = -1;

/** struct fb_info and the memory of the driver behind it (drivers/video/fbdev/core/fbsysfs.c). */
export class FramebufferInfo implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    framebuffer_alloc: (size: number, device: Ptr) => this.allocate(size, device),
    framebuffer_release: (info: Ptr) => this.release(info),
  };

  /** framebuffer_alloc(): zeroed, with `size` bytes for the driver at `par`; 0 without memory. */
  private allocate(size: number, device: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('fb_info');
    const head = Math.ceil(type.size / 8) * 8;
    const info = k.slab.allocateBytes(head + size, true);
    if (info === 0) return 0;
    if (size > 0) type.set(info, 'par', info + head);
    type.set(info, 'device', device);
    type.set(info, 'fbcon_rotate_hint', NO_ROTATION_HINT);
    if (type.has('bl_curve_mutex')) k.get(Mutexes).init(type.addr(info, 'bl_curve_mutex'));
    return info;
  }

  private release(info: Ptr): void {
    if (info === 0) return;
    const type = this.k.struct('fb_info');
    const slab = this.k.get(SlabExports);
    if (type.has('apertures')) slab.kfree(type.get(info, 'apertures'));
    slab.kfree(info);
  }
}
