import { describe } from 'vitest';
import { i6300esb, seconds } from '../sim.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { expect, test } from '../vitest.js';

const root = await corpusTree();

describe.skipIf(root === undefined)('a test’s machine', () => {
  const path = `${root}/lib/modules/${CORPUS_RELEASE}/kernel/drivers/watchdog/i6300esb.ko`;

  test('boots the kernel that a module is for, with what is plugged in', ({ machine }) => {
    const card = machine.plug(i6300esb);
    machine.insmod(path, 'heartbeat=20');
    expect(card).toBeBoundTo('i6300ESB timer');
    expect(machine).toHaveLogged(/initialized\. heartbeat=20 sec/);
    expect(card).toHaveWritten('timer1', 20 * 512);
    expect(card).toHaveAccessed('reload = 0x80', 'reload = 0x86', 'timer1 = *');
  });

  test('closes what was left open, and unloads what was loaded', ({ machine }) => {
    const card = machine.plug(i6300esb);
    machine.insmod(path);
    const fd = machine.fs.open('/dev/watchdog', 1);
    machine.fs.write(fd, 'V');
    expect(card.state.stage).not.toBe(0);
    expect(machine).toBeClean();
    expect(card.state.stage).toBe(0);
  });

  test('goes through the error paths of a probe, each in a machine of its own', ({ machine }) => {
    const card = machine.plug(i6300esb);
    machine.insmod(path);
    machine.rmmod('i6300esb');
    const tried = [...machine.failures(() => machine.insmod(path), { perSite: 1 })].map((failure) => {
      const outcome = failure.run();
      expect(outcome, failure.what).toBeClean();
      return failure.what;
    });
    expect(
      tried.filter((what) => what.startsWith('pci_enable_device fails, called by esb_probe')),
    ).toHaveLength(1);
    expect(tried.some((what) => /is pulled out when esb_probe/.test(what))).toBe(true);
    // The machine of the test is what it was.
    expect(machine.driverOf(card)).toBeUndefined();
    machine.insmod(path);
    expect(card).toBeBoundTo('i6300ESB timer');
  });

  test('lets time pass', ({ machine }) => {
    const card = machine.plug(i6300esb);
    machine.insmod(path, 'heartbeat=10');
    const fd = machine.fs.open('/dev/watchdog', 1);
    machine.sleep(seconds(15));
    expect(card.state.expired).toBe(1);
    machine.fs.write(fd, 'V');
  });
});
