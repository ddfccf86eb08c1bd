import { type I2cChip, i2c } from '../i2c/i2c.js';
import type { RegisterSpec, RegisterSpecs } from '../registers.js';
import { ms } from '../time.js';

/** Trimming of a chip, each at its address: of temperature, of pressure, of humidity (Bosch BST-BME280-DS002, table 16). */
const TRIMMING = {
  t1: 27504,
  t2: 26435,
  t3: -1000,
  p1: 36477,
  p2: -10685,
  p3: 3024,
  p4: 2855,
  p5: 140,
  p6: -7,
  p7: 15500,
  p8: -14600,
  p9: 6000,
} as const;
const FIRST_TRIMMING = 0x88;
const HUMIDITY = { h1: 75, h2: 355, h3: 0, h4: 335, h5: 50, h6: 30 } as const;

const CHIP_ID = 0x60;
const RESET_WORD = 0xb6;
/** Modes: 1 and 2 measure once, 3 without end. */
const NORMAL = 3;
/** Of one measurement, with each quantity taken once. */
const MEASUREMENT = ms(8);

const byte = (at: number, more: Partial<RegisterSpec> = {}): RegisterSpec => ({ at, width: 8, ...more });
const readOnly = (at: number, reset = 0): RegisterSpec => byte(at, { access: 'ro', reset: reset & 0xff });

/** Words of trimming as bytes, the low one first. */
function trimmingBytes(): Record<string, RegisterSpec> {
  const words = Object.values(TRIMMING).flatMap((word) => [word & 0xff, (word >> 8) & 0xff]);
  const { h1, h2, h3, h4, h5, h6 } = HUMIDITY;
  const humidity: readonly (readonly [at: number, value: number])[] = [
    [0xa1, h1],
    [0xe1, h2],
    [0xe2, h2 >> 8],
    [0xe3, h3],
    [0xe4, h4 >> 4],
    [0xe5, (h4 & 0xf) | ((h5 & 0xf) << 4)],
    [0xe6, h5 >> 4],
    [0xe7, h6],
  ];
  const all = [...words.map((value, i) => [FIRST_TRIMMING + i, value] as const), ...humidity];
  return Object.fromEntries(all.map(([at, value]) => [`trimming${at.toString(16)}`, readOnly(at, value)]));
}

const registers = {
  id: { at: 0xd0, width: 8, access: 'ro', reset: CHIP_ID },
  reset: { at: 0xe0, width: 8, access: 'wo' },
  humidityControl: { at: 0xf2, width: 8, bits: { oversampling: [2, 0] } },
  status: { at: 0xf3, width: 8, access: 'ro', bits: { copying: 0, measuring: 3 } },
  control: { at: 0xf4, width: 8, bits: { mode: [1, 0], pressure: [4, 2], temperature: [7, 5] } },
  config: { at: 0xf5, width: 8, todo: 'the filter' },
  pressureHigh: { at: 0xf7, width: 8, access: 'ro', reset: 0x80 },
  pressureMiddle: { at: 0xf8, width: 8, access: 'ro' },
  pressureLow: { at: 0xf9, width: 8, access: 'ro' },
  temperatureHigh: { at: 0xfa, width: 8, access: 'ro', reset: 0x80 },
  temperatureMiddle: { at: 0xfb, width: 8, access: 'ro' },
  temperatureLow: { at: 0xfc, width: 8, access: 'ro' },
  humidityHigh: { at: 0xfd, width: 8, access: 'ro', reset: 0x80 },
  humidityLow: { at: 0xfe, width: 8, access: 'ro' },
} as const satisfies RegisterSpecs;

interface Weather {
  celsius: number;
  pascal: number;
  /** Percent of what the air can hold. */
  humidity: number;
}

type Sensor = I2cChip<typeof registers, Weather, 'measured'>;

/** What a converter's value means, in the units of the datasheet's floating-point formulas (appendix A, 4.2.3). */
function fineOf(raw: number): number {
  const { t1, t2, t3 } = TRIMMING;
  const difference = raw / 131072 - t1 / 8192;
  return (raw / 16384 - t1 / 1024) * t2 + difference * difference * t3;
}

function pascalOf(raw: number, fine: number): number {
  const { p1, p2, p3, p4, p5, p6, p7, p8, p9 } = TRIMMING;
  const half = fine / 2 - 64000;
  const square = (half * half * p6) / 32768 + half * p5 * 2;
  const offset = square / 4 + p4 * 65536;
  const scale = (1 + ((p3 * half * half) / 524288 + p2 * half) / 524288 / 32768) * p1;
  const pressure = ((1048576 - raw - offset / 4096) * 6250) / scale;
  return pressure + ((p9 * pressure * pressure) / 2147483648 + (pressure * p8) / 32768 + p7) / 16;
}

function humidityOf(raw: number, fine: number): number {
  const { h1, h2, h3, h4, h5, h6 } = HUMIDITY;
  const above = fine - 76800;
  const left = raw - (h4 * 64 + (h5 / 16384) * above);
  const humid = left * ((h2 / 65536) * (1 + (h6 / 67108864) * above * (1 + (h3 / 67108864) * above)));
  return humid * (1 - (h1 * humid) / 524288);
}

/** The converter's value that comes nearest to a quantity, of a function that rises or falls. */
function rawFor(bits: number, wanted: number, meaning: (raw: number) => number): number {
  const rises = meaning(2 ** bits - 1) > meaning(0);
  let [low, high] = [0, 2 ** bits - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (meaning(middle) < wanted === rises) low = middle + 1;
    else high = middle;
  }
  return low;
}

function measure({ regs, state }: Sensor): void {
  const { celsius, pascal, humidity } = state;
  const temperature = rawFor(20, celsius * 5120, fineOf);
  const fine = fineOf(temperature);
  if (regs.control.temperature) {
    regs.temperatureHigh.value = temperature >> 12;
    regs.temperatureMiddle.value = (temperature >> 4) & 0xff;
    regs.temperatureLow.value = (temperature & 0xf) << 4;
  }
  if (regs.control.pressure) {
    const raw = rawFor(20, pascal, (value) => pascalOf(value, fine));
    regs.pressureHigh.value = raw >> 12;
    regs.pressureMiddle.value = (raw >> 4) & 0xff;
    regs.pressureLow.value = (raw & 0xf) << 4;
  }
  if (regs.humidityControl.oversampling) {
    const raw = rawFor(16, humidity, (value) => humidityOf(value, fine));
    regs.humidityHigh.value = raw >> 8;
    regs.humidityLow.value = raw & 0xff;
  }
}

const control = (unit: string, min: number, max: number, quantity: keyof Weather) => ({
  unit,
  min,
  max,
  set: (chip: Sensor, value: number): void => {
    chip.state[quantity] = value;
  },
});

/** Bosch's BME280: temperature, pressure and humidity, from a converter whose values are to be compensated by what each chip was trimmed with. */
export const bme280 = i2c({
  name: 'bme280',
  address: 0x76,
  pointer: 'bytes',
  registers: { ...trimmingBytes(), ...registers },
  state: (): Weather => ({ celsius: 25, pascal: 101_325, humidity: 40 }),
  alarms: {
    measured(chip: Sensor) {
      const { regs } = chip;
      measure(chip);
      regs.status.measuring = 0;
      if (regs.control.mode === NORMAL) chip.after(MEASUREMENT, 'measured');
      else regs.control.mode = 0;
    },
  },
  writes: {
    control(chip: Sensor) {
      if (chip.regs.control.mode === 0) return;
      chip.regs.status.measuring = 1;
      chip.after(MEASUREMENT, 'measured');
    },
    reset(chip: Sensor, value: number) {
      if (value !== RESET_WORD) return;
      chip.cancel('measured');
      for (const name of ['control', 'config', 'humidityControl', 'status'] as const)
        chip.regs[name].value = 0;
    },
  },
  controls: {
    temperature: control('°C', -40, 85, 'celsius'),
    pressure: control('Pa', 30_000, 110_000, 'pascal'),
    humidity: control('%', 0, 100, 'humidity'),
  },
});
