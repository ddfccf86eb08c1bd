import { type PciDevice, pci } from '../pci/pci.js';
import type { RegisterSpecs } from '../registers.js';
import { seconds } from '../time.js';

/** The sequence that makes the next write of a guarded register count (Intel 6300ESB I/O Controller Hub datasheet, 16.5). */
const UNLOCK = [0x80, 0x86];
const PCI_CLOCK = 33e6;
/** Bits of the down counter below the 20 of a preload value, by the prescaler. */
const SLOW_BITS = 15;
const FAST_BITS = 5;

/** WDT configuration register (16 bits): prescaler; WDT lock register (8 bits): enable. */
const CONFIG = 0x60;
const CONFIG_FAST = 0x04;
const LOCK = 0x68;
const LOCK_ENABLE = 0x02;

const RELOAD = 0x100;
const TIMED_OUT = 0x200;

const registers = {
  timer1: { at: 0x00, reset: 0xf_ffff },
  timer2: { at: 0x04, reset: 0xf_ffff },
  interruptStatus: { at: 0x08, access: 'w1c', bits: { wanted: 0 } },
  reload: { at: 0x0c, width: 16, bits: { reload: 8, timedOut: 9 } },
} as const satisfies RegisterSpecs;

interface State {
  /** How much of the unlock sequence was written. */
  unlocked: number;
  /** 1 or 2 while it counts. */
  stage: number;
  /** How often it would have reset the machine. */
  expired: number;
}

type Watchdog = PciDevice<typeof registers, State, 'expired'>;

/** Whether the write at hand counts: the sequence came before it. */
function unlocks({ state }: Watchdog): boolean {
  const open = state.unlocked === UNLOCK.length;
  state.unlocked = 0;
  return open;
}

function startStage(chip: Watchdog, stage: 1 | 2): void {
  const { regs, state, config } = chip;
  state.stage = stage;
  const bits = config.read(CONFIG, 2) & CONFIG_FAST ? FAST_BITS : SLOW_BITS;
  const preload = stage === 1 ? regs.timer1.value : regs.timer2.value;
  chip.after((preload * 2 ** bits * seconds(1)) / PCI_CLOCK, 'expired');
}

const isEnabled = ({ config }: Watchdog): boolean => (config.read(LOCK, 1) & LOCK_ENABLE) !== 0;

/**
 * Watchdog of Intel's 6300ESB. Two stages: the first asks for attention, the second resets the machine, which this model counts. Preload registers and reload are
 * guarded by an unlock sequence.
 */
export const i6300esb = pci({
  name: 'i6300esb',
  id: { vendor: 0x8086, device: 0x25ab, class: 0x08_8000 },
  bars: { 0: { size: 0x10 } },
  config: [
    { at: CONFIG, bytes: 2, value: 0, writable: 0x3f },
    { at: LOCK, bytes: 1, value: 0, writable: 0x07 },
  ],
  registers,
  state: (): State => ({ unlocked: 0, stage: 0, expired: 0 }),
  configured(chip: Watchdog) {
    if (!isEnabled(chip)) {
      chip.cancel('expired');
      chip.state.stage = 0;
    } else if (chip.state.stage === 0) startStage(chip, 1);
  },
  writes: {
    timer1: (chip, value, before) => {
      chip.regs.timer1.value = unlocks(chip) ? value & 0xf_ffff : before;
    },
    timer2: (chip, value, before) => {
      chip.regs.timer2.value = unlocks(chip) ? value & 0xf_ffff : before;
    },
    reload(chip, value, before) {
      const { regs, state } = chip;
      regs.reload.value = before;
      if (state.unlocked < UNLOCK.length) {
        state.unlocked = value === UNLOCK[state.unlocked] ? state.unlocked + 1 : Number(value === UNLOCK[0]);
        return;
      }
      state.unlocked = 0;
      if (value & TIMED_OUT) regs.reload.timedOut = 0;
      if (value & RELOAD && isEnabled(chip)) startStage(chip, 1);
    },
  },
  alarms: {
    expired(chip) {
      const { regs, state } = chip;
      if (state.stage === 1) {
        regs.interruptStatus.wanted = 1;
        startStage(chip, 2);
        return;
      }
      regs.reload.timedOut = 1;
      state.expired++;
      startStage(chip, 1);
    },
  },
});
