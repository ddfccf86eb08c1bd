import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devres } from './devres.js';

/** Interrupt lines that are freed when a device's driver goes (kernel/irq/devres.c). */
export class ManagedInterrupts implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    devm_request_threaded_irq: (
      device: Ptr,
      irq: number,
      handler: Ptr,
      thread: Ptr,
      flags: number,
      name: Ptr,
      cookie: Ptr,
    ) => this.request(device, irq, handler, thread, flags, name, cookie),
    devm_request_any_context_irq: (
      device: Ptr,
      irq: number,
      handler: Ptr,
      flags: number,
      name: Ptr,
      cookie: Ptr,
    ) => this.request(device, irq, handler, 0, flags, name, cookie),
    devm_free_irq: (device: Ptr, irq: number, cookie: Ptr) => this.free(device, irq, cookie),
  };

  /** Names an acquired line among a device's resources: below every address. */
  private key(irq: number, cookie: Ptr): number {
    return -(irq + 1) * 2 ** 33 - cookie;
  }

  private *free(device: Ptr, irq: number, cookie: Ptr): Sleepable<void> {
    const { k } = this;
    if (!k.get(Devres).takeHost(device, this.key(irq, cookie)))
      warn(k, '', 'kernel/irq/devres.c', 'devm_free_irq');
    yield* k.get(Interrupts).free(irq, cookie);
  }

  private *request(
    device: Ptr,
    irq: number,
    handler: Ptr,
    thread: Ptr,
    flags: number,
    name: Ptr,
    cookie: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const shown = name === 0 ? k.constantString(deviceName(k, device)) : name;
    const error = yield* k
      .get(Interrupts)
      .request(irq, { handler, thread, flags, name: shown, device: cookie });
    if (error !== 0) return error;
    k.get(Devres).addHost(device, this.key(irq, cookie), function* () {
      yield* k.get(Interrupts).free(irq, cookie);
    });
    return 0;
  }
}
