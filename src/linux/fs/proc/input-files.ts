import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import { kobjOf } from '../../drivers/base/device.js';
import { EV, hasBit } from '../../drivers/input/input-bits.js';
import { InputHandlers } from '../../drivers/input/input-handlers.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import type { Subsystem } from '../../subsystem.js';
import { ProcFs } from './procfs.js';

/** Maps of a device in the order of the file, with the kind of events that each is for; those without one are always shown. */
const MAPS = [
  ['PROP', 'propbit', undefined],
  ['EV', 'evbit', undefined],
  ['KEY', 'keybit', EV.KEY],
  ['REL', 'relbit', EV.REL],
  ['ABS', 'absbit', EV.ABS],
  ['MSC', 'mscbit', EV.MSC],
  ['LED', 'ledbit', EV.LED],
  ['SND', 'sndbit', EV.SND],
  ['FF', 'ffbit', EV.FF],
  ['SW', 'swbit', EV.SW],
] as const;
const LONG_SIZE = 8;

/** /proc/bus/input: devices with what they have, and handlers (drivers/input/input.c). */
export class InputProcFiles implements Subsystem {
  static readonly builtIn = 'CONFIG_INPUT';

  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const proc = k.get(ProcFs);
    const handlers = k.get(InputHandlers);
    proc.addDirectory('bus/input');
    proc.addText('bus/input/devices', {
      text: () =>
        handlers
          .allDevices()
          .map((dev) => this.device(dev))
          .join(''),
    });
    proc.addText('bus/input/handlers', {
      text: () =>
        handlers
          .allHandlers()
          .map((handler, i) => this.handler(handler, i))
          .join(''),
    });
  }

  /** input_devices_seq_show() */
  private device(dev: Ptr): string {
    const { k } = this;
    const type = k.struct('input_dev');
    const id = (member: string): string => type.get(dev, `id.${member}`).toString(16).padStart(4, '0');
    const text = (member: string): string => (type.get(dev, member) === 0 ? '' : type.string(dev, member));
    const path = k.get(Kobjects).path(kobjOf(k, type.addr(dev, 'dev'))) ?? '';
    const handles = k.struct('input_handle');
    const names = [...list.entries(k.space, type.addr(dev, 'h_list'))].map(
      (node) => `${handles.string(handles.of(node, 'd_node'), 'name')} `,
    );
    const lines = [
      `I: Bus=${id('bustype')} Vendor=${id('vendor')} Product=${id('product')} Version=${id('version')}`,
      `N: Name="${text('name')}"`,
      `P: Phys=${text('phys')}`,
      `S: Sysfs=${path}`,
      `U: Uniq=${text('uniq')}`,
      `H: Handlers=${names.join('')}`,
      ...MAPS.filter(([, , kind]) => kind === undefined || hasBit(k, type.addr(dev, 'evbit'), kind)).map(
        ([name, member]) => `B: ${name}=${this.bitmap(type.addr(dev, member), type.member(member).size)}`,
      ),
    ];
    return `${lines.join('\n')}\n\n`;
  }

  /** Words, the highest first, without those at the front that are 0. */
  private bitmap(at: Ptr, bytes: number): string {
    const words: string[] = [];
    for (let i = bytes - LONG_SIZE; i >= 0; i -= LONG_SIZE) {
      const word = this.k.space.load64(at + i);
      if (word !== 0n || words.length > 0 || i === 0) words.push(word.toString(16));
    }
    return words.join(' ');
  }

  /** input_handlers_seq_show() */
  private handler(handler: Ptr, number: number): string {
    const type = this.k.struct('input_handler');
    const filter = type.get(handler, 'filter') === 0 ? '' : ' (filter)';
    const minor = type.get(handler, 'legacy_minors') === 0 ? '' : ` Minor=${type.get(handler, 'minor')}`;
    return `N: Number=${number} Name=${type.string(handler, 'name')}${filter}${minor}\n`;
  }
}
