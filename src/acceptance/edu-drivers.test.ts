import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { edu } from '../hardware/models/edu.js';
import type { PciModel } from '../hardware/pci/pci.js';
import { seconds } from '../hardware/time.js';
import type { FaultKind } from '../linux/errors.js';
import { O_RDWR } from '../linux/fs/flags.js';
import { MachineError } from '../machine/errors.js';
import { Machine } from '../machine/linux/machine.js';
import { loadBundled } from '../target/node/index.js';

type Edu = ReturnType<typeof edu.create>['device'];

const MODULES = fileURLToPath(new URL('../../tests/modules/edu/', import.meta.url));
const SLOT = '0000:00:01.0';

const boot = (): Machine => Machine.boot({ target: loadBundled() });
const load = (machine: Machine, name: string): void =>
  machine.insmod(readFileSync(`${MODULES}${name}.ko`), '', `${name}.ko`);

/** What a user does with the card: what was written is read again. */
function use(machine: Machine): string {
  const fd = machine.fs.open('/dev/edu', O_RDWR);
  try {
    machine.fs.write(fd, 'modbox');
    return new TextDecoder().decode(machine.fs.read(fd, 6));
  } finally {
    machine.fs.close(fd);
  }
}

/** Loads a driver for a card, uses it, and takes both away again. */
function wholeLife(machine: Machine, name: string): void {
  const card = machine.plug(edu);
  load(machine, name);
  if (machine.driverOf(card) !== undefined) use(machine);
  machine.sleep(seconds(3));
  machine.rmmod(name);
  machine.unplug(card);
}

/** The card goes while its driver is bound. */
function unplugged(machine: Machine, name: string): void {
  const card = machine.plug(edu);
  load(machine, name);
  machine.unplug(card);
  machine.sleep(seconds(3));
}

interface Fault {
  readonly kind: FaultKind;
  /** The driver's function that is to blame. */
  readonly fn: string;
  readonly message: RegExp;
  readonly life?: (machine: Machine, name: string) => void;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  edu_iounmap: {
    kind: 'left-behind',
    fn: 'edu_probe',
    message: /left its I\/O memory mapping '\[mem 0x\w+-0x\w+\]' behind/,
  },
  edu_irq_left: {
    kind: 'left-behind',
    fn: 'edu_probe',
    message: /left its interrupt handler 'edu_irq_left \(IRQ 11\)' behind/,
  },
  edu_dma_left: {
    kind: 'dma-misuse',
    fn: 'edu_probe',
    message: /device driver has pending DMA allocations while released from device \[count=1\]/,
  },
  edu_direction: {
    kind: 'dma-misuse',
    fn: 'edu_map_and_transfer',
    message: /device writes 6 bytes at 0x\w+, mapped with DMA_TO_DEVICE by edu_\w+/,
  },
  edu_use_after_remove: {
    kind: 'use-after-free',
    fn: 'edu_read',
    message: /write of 4 bytes at offset \d+ of|freed/,
    life(machine, name) {
      const card = machine.plug(edu);
      load(machine, name);
      const fd = machine.fs.open('/dev/edu', O_RDWR);
      machine.unplug(card);
      attempt(() => machine.fs.read(fd, 6));
    },
  },
  edu_sleep: { kind: 'sleep-in-atomic', fn: 'edu_interrupt', message: /scheduling while atomic/ },
  edu_unbalanced: { kind: 'warning', fn: 'edu_remove', message: /disabling already-disabled device/ },
  edu_error_path: {
    kind: 'left-behind',
    fn: 'edu_probe',
    message: /left its I\/O memory mapping '\[mem 0x\w+-0x\w+\]' behind/,
    life: (machine, name) => void everyFailure(machine, name),
  },
  edu_double_free: {
    kind: 'double-free',
    fn: 'edu_remove',
    message: /kernel BUG at mm\/slub.c/,
    life: unplugged,
  },
  edu_past_bar: { kind: 'page-fault', fn: 'edu_probe', message: /unable to handle page fault/ },
  edu_msi_left: {
    kind: 'left-behind',
    fn: 'edu_probe',
    message: /left its message-signalled interrupt 'IRQ \d+ of 0000:00:01.0' behind/,
  },
  edu_work_left: {
    kind: 'bad-free',
    fn: 'edu_beat',
    message: /free active \(active state 0\) object type: timer_list hint: edu_beat/,
    life: unplugged,
  },
};

function attempt(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof MachineError)) throw error;
  }
}

/** Loads a driver and uses it again and again, each time with another of its calls failing: what failed. */
function everyFailure(machine: Machine, name: string): string[] {
  const failed: string[] = [];
  for (let n = 1; ; n++) {
    const card = machine.plug(edu);
    const failure = machine.failNth(n);
    attempt(() => load(machine, name));
    if (machine.driverOf(card) !== undefined) attempt(() => use(machine));
    failure.stop();
    attempt(() => machine.rmmod(name));
    machine.unplug(card);
    if (!failure.failed) return failed;
    failed.push(failure.failed.symbol);
  }
}

describe('drivers of a PCI card', () => {
  it('without a fault are used, removed and loaded again', () => {
    const machine = boot();
    const card = machine.plug(edu);
    load(machine, 'edu');
    expect(machine.driverOf(card)).toBe('edu');
    expect(use(machine)).toBe('modbox');
    expect(new TextDecoder().decode(card.state.buffer.subarray(0, 6))).toBe('modbox');
    machine.sleep(seconds(5));
    expect(card.regs.liveness.value).toBe(~4 >>> 0);
    machine.rmmod('edu');
    load(machine, 'edu');
    expect(use(machine)).toBe('modbox');
    machine.unplug(card);
    machine.rmmod('edu');
    expect([machine.faults(), machine.leaks(), card.missing]).toEqual([[], [], []]);
  });

  it('without a fault take back what they have where one of their calls fails', () => {
    const machine = boot();
    expect(everyFailure(machine, 'edu')).toEqual([
      '__pci_register_driver',
      expect.stringMatching(/^km/),
      'pci_enable_device',
      'pci_request_regions',
      'pci_iomap',
      'dma_set_mask',
      'dma_set_coherent_mask',
      'dma_alloc_attrs',
      expect.stringMatching(/^pci_alloc_irq_vectors/),
      'request_threaded_irq',
      'misc_register',
      'memdup_user',
      'dma_map_page_attrs',
      expect.stringMatching(/^__kmalloc/),
      'dma_map_page_attrs',
    ]);
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });

  it.each(Object.entries(FAULTS))('are found out: %s', (name, { kind, fn, message, life = wholeLife }) => {
    const machine = boot();
    attempt(() => life(machine, name));
    const found = machine.faults().filter((fault) => fault.kind === kind && message.test(fault.message));
    expect(
      found[0],
      JSON.stringify(machine.faults().map((fault) => [fault.kind, fault.message])),
    ).toMatchObject({ module: name, device: SLOT });
    const { at, trace, message: text } = found[0];
    expect([at, ...trace, text].join('\n')).toMatch(new RegExp(`\\b${fn}\\+0x\\w+/0x\\w+ \\[${name}\\]`));
  });

  it('that leave their vectors on are warned of when they go, as by the real kernel', () => {
    const machine = boot();
    wholeLife(machine, 'edu_msi_left');
    const lines = machine.dmesg().map(({ text }) => text);
    expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([
      expect.stringMatching(/at kernel\/irq\/msi.c:182 msi_device_data_release\+0x/),
    ]);
  });

  it('without a fault bear that the card goes at any access', () => {
    const machine = boot();
    for (let at = 1; at <= 50; at++) {
      let accesses = 0;
      const going: PciModel<Edu> = {
        ...edu,
        create(surroundings, slot) {
          const card = edu.create(
            {
              ...surroundings,
              caller() {
                const caller = surroundings.caller();
                if (++accesses === at) machine.unplug(card.device);
                return caller;
              },
            },
            slot,
          );
          return card;
        },
      };
      machine.plug(going);
      load(machine, 'edu');
      for (let uses = 0; uses < 10 && accesses < at; uses++) attempt(() => use(machine));
      expect(accesses).toBeGreaterThanOrEqual(at);
      machine.sleep(seconds(3));
      machine.rmmod('edu');
      expect([at, machine.faults(), machine.leaks()]).toEqual([at, [], []]);
    }
  });
});
