import { spawnSync } from 'node:child_process';
import { QemuError } from './qemu-error.js';
import { PROGRAM } from './qemu-process.js';

/** A device as a user asks for it: QEMU's name of it, and properties as QEMU has them, with `file=PATH` for a disk. */
interface Wanted {
  readonly name: string;
  readonly properties: readonly string[];
}

/** Buses that no PC has of itself, and who has them. */
const CONTROLLERS: Readonly<Record<string, { readonly device: string; readonly bus: string }>> = {
  'usb-bus': { device: 'qemu-xhci', bus: '.0' },
  SCSI: { device: 'virtio-scsi-pci', bus: '.0' },
  HDA: { device: 'intel-hda', bus: '.0' },
  'sd-bus': { device: 'sdhci-pci', bus: '' },
};

/** What is made for a device that wants something of the host's and was given nothing. */
const BACKENDS = [
  { property: 'netdev', make: (id: string) => ['-netdev', `user,id=${id}`] },
  { property: 'chardev', make: (id: string) => ['-chardev', `null,id=${id}`] },
  { property: 'audiodev', make: (id: string) => ['-audiodev', `none,id=${id}`] },
  { property: 'cryptodev', make: (id: string) => ['-object', `cryptodev-backend-builtin,id=${id}`] },
] as const;

/**
 * Arguments of QEMU's command line for devices as `modbox run --device qemu:...` has them: `NAME[,PROPERTY=VALUE]...`. USB and SCSI devices, codecs and cards get a
 * controller, disks their file, what wants a network, a character device or sound one that needs nothing. Throws QemuError, with QEMU's own words, for a device that it
 * does not have.
 */
export function deviceArguments(wanted: readonly string[]): readonly string[] {
  const devices = wanted.map(parse);
  const buses = busesOfDevices();
  const controllers = new Map<string, string>();
  const before: string[] = [];
  const after: string[] = [];
  devices.forEach(({ name, properties }, i) => {
    const has = (property: string): boolean => properties.some((one) => one.startsWith(`${property}=`));
    const known = propertiesOf(name);
    const own = properties.filter((one) => !/^(file|format)=/.test(one));
    const file = settingOf(properties, 'file');
    if (file !== undefined) {
      const format = settingOf(properties, 'format') ?? 'raw';
      before.push(
        '-drive',
        `if=none,id=modbox-drive${i},format=${format},file=${file.replaceAll(',', ',,')}`,
      );
      own.push(`drive=modbox-drive${i}`);
    }
    for (const { property, make } of BACKENDS) {
      if (!known.has(property) || has(property)) continue;
      before.push(...make(`modbox-${property}${i}`));
      own.push(`${property}=modbox-${property}${i}`);
    }
    const bus = buses.get(name) ?? '';
    const controller = CONTROLLERS[bus];
    if (controller && !has('bus')) {
      const id = controllers.get(bus) ?? `modbox-${bus.toLowerCase()}`;
      if (!controllers.has(bus)) before.push('-device', `${controller.device},id=${id}`);
      controllers.set(bus, id);
      if (controller.bus !== '') own.push(`bus=${id}${controller.bus}`);
    }
    after.push('-device', [name, ...own].join(','));
  });
  return [...before, ...after];
}

function parse(text: string): Wanted {
  const [name, ...properties] = text.split(',');
  if (name === '') throw new QemuError('which device of QEMU? qemu:NAME[,PROPERTY=VALUE]...');
  return { name, properties };
}

function settingOf(properties: readonly string[], name: string): string | undefined {
  return properties.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** What QEMU says of its devices. */
function ask(question: string): {
  readonly out: string;
  readonly err: string;
} {
  const { error, stdout, stderr } = spawnSync(PROGRAM, ['-nodefaults', '-device', question], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error)
    throw new QemuError(`${PROGRAM} is not installed (Debian: qemu-system-x86), or not in PATH`, {
      cause: error,
    });
  return { out: stdout, err: stderr };
}

/** Names of devices, and of the buses that they are on. */
function busesOfDevices(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name, bus] of ask('help').out.matchAll(/^name "([^"]+)"(?:, bus ([^,\n]+))?/gm))
    found.set(name, bus ?? '');
  return found;
}

function propertiesOf(name: string): ReadonlySet<string> {
  const { out, err } = ask(`${name},help`);
  // It ends well also where it has nothing to tell.
  if (out === '')
    throw new QemuError(err.trim().replace(/^qemu-system-x86_64: (-device [^:]*: )?/, 'QEMU: '));
  return new Set([...out.matchAll(/^\s+([\w-]+)=</gm)].map(([, property]) => property));
}
