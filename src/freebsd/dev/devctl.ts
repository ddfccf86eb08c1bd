import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EventHandlers } from '../kern/eventhandler.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { Device } from './device.js';
import { DeviceAttach, type DeviceEvent } from './device-attach.js';
import { DeviceNames } from './device-names.js';

/** DEVCTL_DEFAULT_QUEUE_LEN: the oldest notices go where nobody reads them. */
const MOST_NOTICES = 1000;

/** Whom devices are told to: devd(8), whose lines nobody reads here but keeps, and the event handlers device_attach and device_detach. */
export class Devctl implements Subsystem {
  /** Lines for /dev/devctl: `+nmdm0 at  on nexus0`, `!system=DEVFS subsystem=CDEV type=CREATE cdev=x`. */
  readonly notices: string[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    devctl_notify: (system: Ptr, subsystem: Ptr, type: Ptr, data: Ptr) =>
      this.notify(
        this.text(system),
        this.text(subsystem),
        this.text(type),
        data === 0 ? '' : this.text(data),
      ),
    devctl_process_running: () => false,
    devctl_safe_quote_sb: (sbuf: Ptr, text: Ptr) => this.quote(sbuf, this.text(text)),
  };

  boot(): void {
    this.k.get(DeviceAttach).listen((event) => this.follow(event));
  }

  private text(at: Ptr): string {
    return this.k.space.cstring(at);
  }

  /** devctl_notify(9). */
  notify(system: string, subsystem: string, type: string, data = ''): void {
    this.queue(`!system=${system} subsystem=${subsystem} type=${type}${data === '' ? '' : ` ${data}`}`);
  }

  private queue(line: string): void {
    this.notices.push(line);
    if (this.notices.length > MOST_NOTICES) this.notices.shift();
  }

  private *follow({ device, what }: DeviceEvent): Sleepable<void> {
    const { k } = this;
    const handlers = k.get(EventHandlers);
    const detach = (state: string): Sleepable<void> =>
      handlers.invoke('device_detach', 'v:ppi', device.at, k.enumValue(state));
    switch (what) {
      case 'attached':
        yield* handlers.invoke('device_attach', 'v:pp', device.at);
        yield* this.say('+', device);
        return;
      case 'detaching':
        yield* detach('EVHDEV_DETACH_BEGIN');
        return;
      case 'kept':
        yield* detach('EVHDEV_DETACH_FAILED');
        return;
      case 'detached':
        yield* detach('EVHDEV_DETACH_COMPLETE');
        yield* this.say('-', device);
        return;
      case 'no-match':
        yield* this.say('?', device);
        return;
      default:
    }
  }

  /** devaddq(). */
  private *say(what: '+' | '-' | '?', device: Device): Sleepable<void> {
    if (!device.parent) return;
    const names = this.k.get(DeviceNames);
    const [pnp, location] = [yield* names.pnpinfo(device), yield* names.location(device)];
    const where = [location, pnp].filter((one) => one !== '').join(' ');
    this.queue(`${what}${what === '?' ? '' : device.nameunit} at ${where} on ${device.parent.nameunit}`);
  }

  private *quote(sbuf: Ptr, text: string): Sleepable<void> {
    for (const char of text.replace(/["\\]/g, '\\$&'))
      yield* this.k.callAs('i:pi', this.k.fn('sbuf_putc'), sbuf, char.charCodeAt(0));
  }
}
