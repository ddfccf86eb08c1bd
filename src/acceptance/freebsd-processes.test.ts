import { describe, expect, it } from 'vitest';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { machineWithKlds } from './testing/klds.js';

const O_WRONLY = 1;
const [POLLIN, POLLOUT] = [1, 4];
const STRUCT = (0x8000_0000 | (32 << 16) | (0x50 << 8)) >>> 0;
const [COPY, TAKE, MAKE, REMOVE] = [STRUCT + 1, STRUCT + 2, 0x2000_5003, 0x2000_5004];

/** struct peerdev_copy. */
const copyOf = (pid: number, out: boolean, theirs: bigint, ours: bigint, length: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, pid, true);
  view.setInt32(4, Number(out), true);
  [theirs, ours, BigInt(length)].forEach((value, i) => {
    view.setBigUint64(8 + 8 * i, value, true);
  });
  return bytes;
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const loaded = (): FreebsdMachine => {
  const machine = machineWithKlds(['peerdev']);
  machine.kldload('peerdev');
  return machine;
};

const unloadsCleanly = (machine: FreebsdMachine): void => {
  machine.kldunload('peerdev');
  expect(machine.faults()).toEqual([]);
  expect(machine.leaks()).toEqual([]);
};

describe('processes of a FreeBSD machine', () => {
  it('have memory of their own, which a kld may move between them', () => {
    const machine = loaded();
    const seen: string[] = [];
    let address = 0n;
    const holder = machine.spawn('holder', function* (process) {
      address = process.store('what the holder has');
      yield* process.sleep(10);
      seen.push(`holder: ${text(process.load(address, 19))}`);
    });
    const visitor = machine.spawn('visitor', function* (process) {
      expect(() => process.load(address, 1)).toThrow(/Bad address/);
      expect(() => process.put(address, 'x')).toThrow(/Bad address/);
      const fd = yield* process.open('/dev/peerdev');
      const own = process.allocate(19);
      yield* process.ioctl(fd, COPY, copyOf(holder.pid, false, address, own, 19));
      seen.push(`visitor: ${text(process.load(own, 19))}`);
      yield* process.ioctl(fd, COPY, copyOf(holder.pid, true, address, process.store('WHAT'), 4));
      const failures: string[] = [];
      for (const copy of [
        copyOf(4711, false, address, own, 4),
        copyOf(holder.pid, false, own, own, 4),
        copyOf(holder.pid, false, address, address, 4),
      ])
        try {
          yield* process.ioctl(fd, COPY, copy);
        } catch (error) {
          failures.push((error as Error).message);
        }
      seen.push(...failures);
    });
    expect([visitor.wait(), holder.wait()]).toEqual([0, 0]);
    expect(seen).toEqual([
      'visitor: what the holder has',
      'ioctl: No such process',
      'ioctl: Bad address',
      'ioctl: Bad address',
      'holder: WHAT the holder has',
    ]);
    unloadsCleanly(machine);
  });

  it('wait for each other in a device: a write until it is taken, a poll until there is something', () => {
    const machine = loaded();
    const order: string[] = [];
    const taker = machine.spawn('taker', function* (process) {
      const fd = yield* process.open('/dev/peerdev');
      order.push(`ready: ${yield* process.poll(fd, POLLIN, 5)}`);
      order.push(`ready: ${yield* process.poll(fd, POLLIN)}`);
      for (const length of [5, 100]) {
        const own = process.allocate(100);
        yield* process.ioctl(fd, TAKE, copyOf(0, false, 0n, own, length));
        order.push(`taken: ${text(process.load(own, 100)).replace(/\0+$/, '')}`);
      }
      return 7;
    });
    const writer = machine.spawn('writer', function* (process) {
      yield* process.sleep(50);
      const fd = yield* process.open('/dev/peerdev', O_WRONLY);
      expect(yield* process.poll(fd, POLLIN | POLLOUT, 0)).toBe(POLLOUT);
      order.push(`written: ${yield* process.write(fd, 'some words')}`);
    });
    expect([writer.wait(), taker.wait()]).toEqual([0, 7]);
    expect(order).toEqual(['ready: 0', 'ready: 1', 'taken: some ', 'taken: words', 'written: 10']);
    unloadsCleanly(machine);
  });

  it('are killed where they sleep, and what they have open is closed', () => {
    const machine = loaded();
    const writer = machine.spawn('writer', function* (process) {
      const fd = yield* process.open('/dev/peerdev', O_WRONLY);
      yield* process.write(fd, 'for nobody');
    });
    machine.sleep(1e6);
    expect(writer.task.ended).toBe(false);
    writer.kill();
    expect(writer.wait()).toBe(137);
    expect(machine.log.since(0).at(-1)?.text).toBe('peerdev: open 1 ends');
    unloadsCleanly(machine);
  });

  it('lose what a device keeps for them when the device goes', () => {
    const machine = loaded();
    const { fs } = machine;
    const fd = fs.open('/dev/peerdev');
    fs.ioctl(fd, MAKE);
    const other = fs.open('/dev/peerdev_other');
    fs.ioctl(fd, REMOVE);
    expect(machine.log.since(0).map(({ text: line }) => line)).toEqual(['peerdev: open 2 ends']);
    expect(() => fs.read(other, 1)).toThrow(/Device not configured/);
    fs.close(other);
    fs.close(fd);
    unloadsCleanly(machine);
  });

  it('end with what ended their programs', () => {
    const machine = loaded();
    const failing = machine.spawn('failing', function* (process) {
      yield* process.open('/dev/nothing');
    });
    expect(() => failing.wait()).toThrow('open /dev/nothing: No such file or directory');
    const stranger = machine.spawn('stranger', function* (process) {
      yield* process.read(3, 1);
    });
    machine.fs.open('/dev/peerdev');
    expect(() => stranger.wait()).toThrow(/Bad file descriptor/);
    expect(machine.faults()).toEqual([]);
  });
});
