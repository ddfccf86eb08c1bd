import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { LedTriggers } from './led-trigger.js';

const BLINK_MS = 30;
/** Flash memory's activity has two names, one of them historical (drivers/leds/trigger/ledtrig-mtd.c). */
const MTD_TRIGGERS = ['mtd', 'nand-disk'];

/** Triggers that are built into the kernel and blink when something works. */
export class LedActivityTriggers implements Subsystem {
  static readonly builtIn = 'CONFIG_LEDS_TRIGGERS';

  private readonly mtd: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ledtrig_mtd_activity: () => this.blink(this.mtd),
  };

  boot(): void {
    if (this.k.configured('CONFIG_LEDS_TRIGGER_MTD'))
      for (const name of MTD_TRIGGERS) this.mtd.push(this.make(name));
  }

  private make(name: string): Ptr {
    const { k } = this;
    const type = k.struct('led_trigger');
    const trigger = k.permanent(type.size);
    type.set(trigger, 'name', k.constantString(name));
    list.init(k.space, type.addr(trigger, 'led_cdevs'));
    k.get(LedTriggers).append(trigger);
    return trigger;
  }

  private *blink(triggers: readonly Ptr[]): Sleepable<void> {
    for (const trigger of triggers) yield* this.k.get(LedTriggers).blink(trigger, BLINK_MS, BLINK_MS, true);
  }
}
