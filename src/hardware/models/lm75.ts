import { i2c } from '../i2c/i2c.js';
import { ms } from '../time.js';

/** "Conversion time: 100 ms typical" (National Semiconductor LM75 datasheet, electrical characteristics). */
const CONVERSION = ms(100);
/** Thresholds at power-on, in °C. */
const HYSTERESIS = 75;
const OVER_TEMPERATURE = 80;

/** Nine bits of temperature in half degrees, at the top of a register of 16. */
const reading = (celsius: number): number => (Math.round(celsius * 2) << 7) & 0xff80;
const celsiusOf = (register: number): number => ((register << 16) >> 23) / 2;

/** National's LM75: a temperature of nine bits, and an output for too much of it (as a comparator, or an interrupt). */
export const lm75 = i2c({
  name: 'lm75',
  address: 0x48,
  registers: {
    temperature: { at: 0, width: 16, access: 'ro' },
    configuration: {
      at: 1,
      width: 8,
      bits: { shutdown: 0, interruptMode: 1, activeHigh: 2, faultQueue: [4, 3] },
    },
    hysteresis: { at: 2, width: 16, reset: HYSTERESIS << 8 },
    overTemperature: { at: 3, width: 16, reset: OVER_TEMPERATURE << 8 },
  },
  alert: 'low',
  state: () => ({ celsius: 25 }),
  powerOn: (chip) => chip.after(CONVERSION, 'convert'),
  alarms: {
    convert(chip) {
      const { regs, state } = chip;
      if (regs.configuration.shutdown) return;
      regs.temperature.value = reading(state.celsius);
      if (state.celsius >= celsiusOf(regs.overTemperature.value)) chip.alert.raise();
      else if (state.celsius < celsiusOf(regs.hysteresis.value)) chip.alert.lower();
      chip.after(CONVERSION, 'convert');
    },
  },
  writes: {
    configuration: (chip) => chip.after(CONVERSION, 'convert'),
  },
  controls: {
    temperature: {
      unit: '°C',
      min: -55,
      max: 125,
      set: (chip, celsius) => {
        chip.state.celsius = celsius;
      },
    },
  },
});
