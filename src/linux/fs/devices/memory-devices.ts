import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { MINOR, MKDEV } from '../../abi/device-number.js';
import { CharRegions } from '../../drivers/base/char-regions.js';
import { EINVAL, ENOSPC } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Printk } from '../../printk/printk.js';
import type { Subsystem } from '../../subsystem.js';
import { CharDevices } from '../char-dev.js';
import { HostServer } from '../host-server.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { DeviceNodes } from './device-nodes.js';

const MEM_MAJOR = 1;
const TTYAUX_MAJOR = 5;

interface MemoryDevice {
  readonly name: string;
  readonly mode: number;
  readonly make: (k: LinuxKernel) => FileServer;
}

/** /dev/null and its siblings by minor number (drivers/char/mem.c, Documentation/admin-guide/devices.txt). */
const DEVICES: Readonly<Record<number, MemoryDevice>> = {
  3: { name: 'null', mode: 0o666, make: (k) => new Null(k) },
  5: { name: 'zero', mode: 0o666, make: (k) => new Zero(k) },
  7: { name: 'full', mode: 0o666, make: (k) => new Full(k) },
  8: { name: 'random', mode: 0o666, make: (k) => new RandomBytes(k) },
  9: { name: 'urandom', mode: 0o666, make: (k) => new RandomBytes(k) },
  11: { name: 'kmsg', mode: 0o644, make: (k) => new KernelMessages(k) },
};

/** Character devices of major 1, and the console. */
export class MemoryDevices implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const nodes = k.get(DeviceNodes);
    k.get(CharRegions).claim(MEM_MAJOR, 0, 256, 'mem');
    k.get(CharDevices).addDriver(MEM_MAJOR, 0, 256, (_open: OpenFile, inode: Ptr) => {
      const device = DEVICES[MINOR(k.struct('inode').get(inode, 'i_rdev'))];
      return device ? device.make(k) : -6;
    });
    for (const [minor, { name, mode }] of Object.entries(DEVICES))
      nodes.createNode(name, mode, MKDEV(MEM_MAJOR, Number(minor)), false);
    for (const [minor, name] of ['/dev/tty', '/dev/console', '/dev/ptmx'].entries()) {
      k.get(CharRegions).claim(TTYAUX_MAJOR, minor, 1, name);
    }
    k.get(CharDevices).addDriver(TTYAUX_MAJOR, 0, 2, () => new Console(k));
    nodes.createNode('console', 0o600, MKDEV(TTYAUX_MAJOR, 1), false);
    nodes.createNode('tty', 0o666, MKDEV(TTYAUX_MAJOR, 0), false);
  }

  /** What is written to the console and to /dev/tty; set by whoever shows it. */
  consoleOutput: (bytes: Uint8Array) => void = () => {};
}

class Null extends HostServer {
  protected override bytes(_open: OpenFile, _position: number, _count: number): Uint8Array | number {
    return new Uint8Array();
  }

  protected override take(_open: OpenFile, bytes: Uint8Array, _position: number): number {
    return bytes.length;
  }
}

class Zero extends Null {
  protected override bytes(_open: OpenFile, _position: number, count: number): Uint8Array | number {
    return new Uint8Array(count);
  }
}

class Full extends Zero {
  protected override take(_open: OpenFile, _bytes: Uint8Array, _position: number): number {
    return -ENOSPC;
  }
}

class RandomBytes extends Null {
  protected override bytes(_open: OpenFile, _position: number, count: number): Uint8Array | number {
    return Uint8Array.from({ length: count }, () => this.k.random.below(256));
  }
}

class Console extends Null {
  protected override take(_open: OpenFile, bytes: Uint8Array): number {
    this.k.get(MemoryDevices).consoleOutput(bytes);
    return bytes.length;
  }
}

/** /dev/kmsg: one record a read, and a way to log from user space (Documentation/ABI/testing/dev-kmsg). */
class KernelMessages extends HostServer {
  private next = 0;

  protected override bytes(_open: OpenFile, _position: number, count: number): Uint8Array | number {
    const record = this.k.log.at(this.next);
    if (!record) return new Uint8Array();
    const microseconds = Math.floor(record.time / 1000);
    const line = `${record.level},${record.sequence},${microseconds},-;${record.text}\n`;
    if (line.length > count) return -EINVAL;
    this.next = record.sequence + 1;
    return Uint8Array.from(line, (c) => c.charCodeAt(0));
  }

  protected override *take(_open: OpenFile, bytes: Uint8Array): Sleepable<number> {
    const match = /^(?:<(\d+)>)?([\s\S]*?)\n?$/.exec(String.fromCharCode(...bytes));
    const level = match?.[1] === undefined ? undefined : Number(match[1]) & 7;
    yield* this.k.wait(this.k.get(Printk).emit(`${match?.[2] ?? ''}\n`, level, true));
    return bytes.length;
  }
}
