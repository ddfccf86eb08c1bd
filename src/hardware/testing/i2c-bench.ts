import type { I2cModel, I2cPart } from '../i2c/i2c-target.js';
import { TestClock } from './bench.js';

/** A chip on a bench, without a machine: messages as a master sends them. */
export class I2cBench<D> {
  readonly clock = new TestClock();
  /** Whether its alert pin is active. */
  alert = false;
  readonly part: I2cPart<D>;

  constructor(model: I2cModel<D>) {
    const nowhere = (): never => {
      throw new Error('a chip on I2C reaches no memory');
    };
    const surroundings = {
      clock: this.clock,
      caller: () => 'bench',
      complain: nowhere,
      dma: { read: nowhere, write: nowhere },
    };
    this.part = model.create(surroundings, {
      alert: (active) => {
        this.alert = active;
      },
    });
    this.part.powerOn();
  }

  get device(): D {
    return this.part.device;
  }

  write(...bytes: number[]): 'ack' | 'nak' {
    return this.part.write(Uint8Array.from(bytes));
  }

  /** Bytes from a register on: its number, and a read behind it. */
  read(register: number, bytes = 1): number[] | 'nak' {
    if (this.write(register) === 'nak') return 'nak';
    const answer = this.part.read(bytes);
    return answer === 'nak' ? answer : [...answer];
  }
}
