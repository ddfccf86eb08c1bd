import { type I2cChip, i2c } from '../i2c/i2c.js';
import type { RegisterSpecs } from '../registers.js';
import { ms } from '../time.js';

/** Identities (ON Semiconductor ADM1032 datasheet, table 6). */
const MANUFACTURER = 0x41;
const DIE = 0x42;
/** "Conversion rate register: 0x08 at power-on": sixteen a second. */
const CONVERSION = ms(62.5);

const byte = (at: number, reset = 0) => ({ at, width: 8, reset }) as const;
const readOnly = (at: number, reset = 0) => ({ at, width: 8, access: 'ro', reset }) as const;

const registers = {
  localTemperature: readOnly(0x00),
  remoteTemperature: readOnly(0x01),
  status: {
    at: 0x02,
    width: 8,
    access: 'rc',
    bits: { localHigh: 6, localLow: 5, remoteHigh: 4, remoteLow: 3 },
  },
  configuration: { at: 0x03, width: 8, access: 'ro', bits: { masked: 7, standby: 6 } },
  rate: readOnly(0x04, 8),
  localHigh: readOnly(0x05, 85),
  localLow: readOnly(0x06, 0),
  remoteHigh: readOnly(0x07, 85),
  remoteLow: readOnly(0x08, 0),
  // What the registers above are written by.
  setConfiguration: { at: 0x09, width: 8, access: 'wo' },
  setRate: { at: 0x0a, width: 8, access: 'wo' },
  setLocalHigh: { at: 0x0b, width: 8, access: 'wo' },
  setLocalLow: { at: 0x0c, width: 8, access: 'wo' },
  setRemoteHigh: { at: 0x0d, width: 8, access: 'wo' },
  setRemoteLow: { at: 0x0e, width: 8, access: 'wo' },
  oneShot: { at: 0x0f, width: 8, access: 'wo', todo: 'conversions one by one' },
  remoteFraction: readOnly(0x10),
  offset: byte(0x11),
  offsetFraction: byte(0x12),
  remoteHighFraction: byte(0x13),
  remoteLowFraction: byte(0x14),
  remoteTherm: byte(0x19, 85),
  localTherm: byte(0x20, 85),
  hysteresis: byte(0x21, 10),
  consecutive: { at: 0x22, width: 8, reset: 1, todo: 'alerts after several conversions' },
  manufacturer: readOnly(0xfe, MANUFACTURER),
  die: readOnly(0xff, DIE),
} as const satisfies RegisterSpecs;

interface Temperatures {
  local: number;
  remote: number;
}

type Monitor = I2cChip<typeof registers, Temperatures, 'convert'>;

const signed = (value: number): number => (value << 24) >> 24;

/** The alert pin is active while a limit was passed and nobody has masked it. */
function drive({ regs, alert }: Monitor): void {
  if (regs.status.value !== 0 && !regs.configuration.masked) alert.raise();
  else alert.lower();
}

/** Bits of the status register stay until they are read. */
function compare({ regs, state }: Monitor): void {
  const { status } = regs;
  if (state.local > signed(regs.localHigh.value)) status.localHigh = 1;
  if (state.local <= signed(regs.localLow.value)) status.localLow = 1;
  if (state.remote > signed(regs.remoteHigh.value)) status.remoteHigh = 1;
  if (state.remote <= signed(regs.remoteLow.value)) status.remoteLow = 1;
}

function convert(chip: Monitor): void {
  const { regs, state } = chip;
  if (regs.configuration.standby) return;
  regs.localTemperature.value = Math.floor(state.local) & 0xff;
  const eighths = Math.round(state.remote * 8);
  regs.remoteTemperature.value = (eighths >> 3) & 0xff;
  regs.remoteFraction.value = (eighths & 7) << 5;
  compare(chip);
  drive(chip);
  chip.after(CONVERSION, 'convert');
}

const temperature = (sensor: keyof Temperatures) => ({
  unit: '°C',
  min: -40,
  max: 127,
  set: (chip: Monitor, celsius: number): void => {
    chip.state[sensor] = celsius;
  },
});

/** Analog Devices' ADM1032: its own temperature and that of a diode, with limits and an alert. */
export const adm1032 = i2c({
  name: 'adm1032',
  address: 0x4c,
  registers,
  alert: 'low',
  state: (): Temperatures => ({ local: 25, remote: 25 }),
  powerOn: (chip) => chip.after(CONVERSION, 'convert'),
  alarms: { convert },
  reads: {
    // Whoever reads it clears it: what is still beyond a limit is found anew by the next conversion.
    status({ regs, alert }: Monitor) {
      alert.lower();
      return regs.status.value;
    },
  },
  writes: {
    setConfiguration(chip: Monitor, value) {
      chip.regs.configuration.value = value;
      drive(chip);
      chip.after(CONVERSION, 'convert');
    },
    setRate: ({ regs }, value) => {
      regs.rate.value = value;
    },
    setLocalHigh: ({ regs }, value) => {
      regs.localHigh.value = value;
    },
    setLocalLow: ({ regs }, value) => {
      regs.localLow.value = value;
    },
    setRemoteHigh: ({ regs }, value) => {
      regs.remoteHigh.value = value;
    },
    setRemoteLow: ({ regs }, value) => {
      regs.remoteLow.value = value;
    },
  },
  controls: { local: temperature('local'), remote: temperature('remote') },
});
