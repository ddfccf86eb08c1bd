import { beforeAll, describe, expect, it } from 'vitest';
import { i6300esb } from '../../../hardware/models/i6300esb.js';
import { seconds } from '../../../hardware/time.js';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { IoAccess } from '../../../linux/lib/misc/io.js';
import { Ioremap } from '../../../linux/mm/ioremap.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { Machine } from '../machine.js';

const root = await corpusTree();

describe.skipIf(root === undefined)('a watchdog card under Debian’s own driver', () => {
  let machine: Machine;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root as string) });
  });

  it('is bound, used and left, as on the real kernel', () => {
    const card = machine.plug(i6300esb);
    expect(machine.driverOf(card)).toBeUndefined();
    machine.modprobe('i6300esb');
    expect(machine.driverOf(card)).toBe('i6300ESB timer');
    // What the real kernel said (oracle/devices.jsonl).
    expect(machine.dmesg().at(-1)?.text).toBe(
      'i6300ESB timer 0000:00:01.0: initialized. heartbeat=30 sec (nowayout=0)',
    );
    const { stdout } = machine.exec(
      'cd /sys/class/watchdog/watchdog0; cat identity timeout state; ls /dev/watchdog*',
    );
    expect(stdout).toBe('i6300ESB timer\n30\ninactive\n/dev/watchdog\n/dev/watchdog0\n');
    expect(card.regs.timer1.value).toBe(30 * 512);
    expect(card.accesses[0]).toMatchObject({ register: 'reload', kind: 'write', value: 0x80 });
    expect(card.accesses[0].from).toMatch(/^esb_probe\+0x\w+\/0x\w+ \[i6300esb\]$/);
    machine.exec('echo x > /dev/watchdog');
    machine.sleep(seconds(20));
    expect(card.state).toMatchObject({ stage: 2, expired: 0 });
    machine.sleep(seconds(20));
    expect(card.state.expired).toBe(1);
    machine.exec('echo V > /dev/watchdog');
    expect(card.state.stage).toBe(0);
    machine.modprobeRemove('i6300esb');
    expect(machine.driverOf(card)).toBeUndefined();
    expect(card.missing).toEqual([]);
    machine.unplug(card);
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });

  it('is reached within what was mapped of it; beyond that is told of', () => {
    const card = machine.plug(i6300esb);
    const { kernel } = machine;
    const known = machine.faults().length;
    const physical = card.config.address(0) as number;
    const values = machine.perform('read', function* () {
      const at = kernel.get(Ioremap).map(physical, 8);
      const { ioread32 } = kernel.get(IoAccess).exports;
      const read = [ioread32(at), ioread32(at + 8)];
      kernel.get(Ioremap).unmap(at);
      yield* [];
      return read;
    });
    expect(values[0]).toBe(0xf_ffff);
    const hex = (address: number): string => `0x${address.toString(16)}`;
    const [asked, met] = [
      `[mem ${hex(physical)}-${hex(physical + 7)}]`,
      `[mem ${hex(physical + 8)}-${hex(physical + 11)}]`,
    ];
    expect(machine.faults(known)).toMatchObject([
      {
        kind: 'out-of-bounds',
        message: expect.stringContaining(`reads 4 bytes at ${met}, outside of ${asked}`),
      },
    ]);
    machine.unplug(card);
  });

  it('answers all ones once it is pulled out', () => {
    const known = machine.faults().length;
    const card = machine.plug(i6300esb);
    machine.modprobe('i6300esb');
    const before = card.accesses.length;
    machine.unplug(card);
    expect(card.accesses.slice(before)).toEqual([]);
    expect(machine.exec('ls /sys/class/watchdog').stdout).toBe('');
    machine.modprobeRemove('i6300esb');
    expect(machine.faults(known)).toEqual([]);
  });

  it('has its module loaded when udev is there', () => {
    const known = machine.faults().length;
    machine.startUdev();
    const card = machine.plug(i6300esb);
    expect(machine.driverOf(card)).toBe('i6300ESB timer');
    machine.unplug(card);
    machine.stopUdev();
    machine.modprobeRemove('i6300esb');
    expect(machine.driverOf(machine.plug(i6300esb))).toBeUndefined();
    expect(machine.faults(known)).toEqual([]);
  });
});
