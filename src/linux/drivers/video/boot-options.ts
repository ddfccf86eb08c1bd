import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** What video drivers ask before they start: boot options, and the switch between two graphics cards. */
export class VideoOptions implements Subsystem {
  private switchHandler: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    drm_firmware_drivers_only: () => this.firmwareDriversOnly(),
    video_firmware_drivers_only: () => this.firmwareDriversOnly(),
    fb_modesetting_disabled: (driver: Ptr) => this.modesettingDisabled(driver),
    fb_get_options: (name: Ptr, option: Ptr) => this.framebufferOptions(name, option),
    vga_switcheroo_register_handler: (handler: Ptr) => {
      if (this.switchHandler !== 0) return -EINVAL;
      this.switchHandler = handler;
      return 0;
    },
    vga_switcheroo_unregister_handler: () => {
      this.switchHandler = 0;
    },
    vga_switcheroo_handler_flags: nothing('there is no second graphics card', 0),
    vga_switcheroo_client_probe_defer: nothing('there is no second graphics card', false),
  };

  private firmwareDriversOnly(): boolean {
    return /(^|\s)nomodeset(\s|$)/.test(this.k.cmdline);
  }

  /** Whether `nomodeset` keeps a framebuffer driver from loading, which it is told in the log. */
  private modesettingDisabled(driver: Ptr): boolean {
    const off = this.firmwareDriversOnly();
    if (off && driver !== 0) {
      const name = this.k.space.cstring(driver);
      this.k.log.line(`Driver ${name} not loading because of nomodeset parameter`, LOGLEVEL_WARNING);
    }
    return off;
  }

  /** `video=NAME:OPTIONS` and `video=NAME:off` of the command line: 1 if the driver is off. */
  private framebufferOptions(name: Ptr, option: Ptr): number {
    const { k } = this;
    const wanted = k.space.cstring(name);
    const found = [...k.cmdline.matchAll(/(?:^|\s)video=([^:\s]+):(\S*)/g)].find(([, who]) => who === wanted);
    if (option !== 0) k.space.storePtr(option, found ? k.constantString(found[2]) : 0);
    return found?.[2].startsWith('off') ? 1 : 0;
  }
}
