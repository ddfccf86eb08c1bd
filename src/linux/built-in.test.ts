import { describe, expect, it } from 'vitest';
import { TargetError } from '../target/index.js';
import { loadBundled } from '../target/node/index.js';
import { I2cBus } from './drivers/i2c/i2c-bus.js';
import { LedClass } from './drivers/leds/led-class.js';
import { LedTriggers } from './drivers/leds/led-trigger.js';
import { LinuxKernel } from './kernel.js';
import { WorkDisabling } from './sched/work-disable.js';
import { SUBSYSTEMS } from './subsystems.js';
import { configured } from './testing/configured.js';
import { guest } from './testing/guest.js';

/** What builds optional subsystems into a kernel. */
const OPTIONS = [...new Set(SUBSYSTEMS.flatMap(({ builtIn }) => builtIn ?? []))];

describe('a subsystem of the kernel', () => {
  it('is there where the target has it built in', () => {
    const k = new LinuxKernel(loadBundled());
    expect(k.has(I2cBus)).toBe(true);
    expect(k.exports.implemented('i2c_match_id')).toBe(true);
  });

  it.each(['m', undefined])('is absent where its option is %s, and so are its exports', (value) => {
    const k = new LinuxKernel(configured({ CONFIG_I2C: value }));
    expect(k.has(I2cBus)).toBe(false);
    expect(k.exports.implemented('i2c_match_id')).toBe(false);
    expect(() => k.get(I2cBus)).toThrow(TargetError);
    expect(() => k.get(I2cBus)).toThrow(/6\.1\.0-53-amd64 has no I2cBus: CONFIG_I2C is not built in/);
  });

  it('is absent where the target has none of what it exports', () => {
    expect(new LinuxKernel(loadBundled()).has(WorkDisabling)).toBe(false);
  });

  it('does without another one', () => {
    const g = guest({}, configured({ CONFIG_LEDS_TRIGGERS: undefined }));
    expect(g.k.has(LedTriggers)).toBe(false);
    expect(g.k.has(LedClass)).toBe(true);
  });

  it('is not needed for booting, not even all of them', () => {
    const none = Object.fromEntries(OPTIONS.map((option) => [option, undefined]));
    expect(new LinuxKernel(configured(none)).has(I2cBus)).toBe(false);
  });

  it('is not needed for booting, whichever it is', () => {
    let memory: WebAssembly.Memory | undefined;
    for (const option of OPTIONS) {
      const k = new LinuxKernel(configured({ [option]: undefined }), memory === undefined ? {} : { memory });
      expect(k.configured(option)).toBe(false);
      memory = k.space.release();
    }
  });
});

describe('what a target lacks is an error that names', () => {
  const k = new LinuxKernel(loadBundled());

  it('target and symbol', () => {
    expect(() => k.symbol('no_such_variable')).toThrow(TargetError);
    expect(() => k.symbol('no_such_variable')).toThrow(
      /^linux\/6\.1\.0-53-amd64 has no symbol no_such_variable: /,
    );
  });

  it('type, member and enumerator', () => {
    expect(() => k.struct('no_such_struct')).toThrow(/has no type 'no_such_struct'/);
    expect(() => k.struct('mutex').get(0, 'no_such_member')).toThrow(/mutex\.no_such_member/);
    expect(() => k.enumValue('NO_SUCH_ENUMERATOR')).toThrow(/enumerator 'NO_SUCH_ENUMERATOR'/);
    for (const ask of [() => k.struct('no_such_struct'), () => k.enumValue('NO_SUCH_ENUMERATOR')])
      expect(ask).toThrow(TargetError);
  });

  it('the function that a module called, which is stopped', () => {
    const g = guest();
    const call = g.k.exports.hostFunction('asks_for_more', 'v:', () => {
      g.k.struct('mutex').get(0, 'no_such_member');
    });
    expect(() =>
      g.run(() => g.k.calls.throughCpu(call, g.k.exports.signatureOf('asks_for_more'), [])),
    ).toThrow(
      /^modbox: asks_for_more is not implemented for this kernel: linux\/6\.1\.0-53-amd64 has no mutex\.no_such_member/,
    );
    expect(g.reports()).toMatchObject([{ kind: 'unimplemented-export' }]);
  });
});
