import type { Applet } from '../applet.js';

const status = (name: string, value: number): Applet => ({
  name,
  usage: name,
  summary: `Exits with status ${value}.`,
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run() {
    return value;
  },
});

export const trueApplet = status('true', 0);
export const falseApplet = status('false', 1);
