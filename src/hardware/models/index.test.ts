import { describe, expect, it } from 'vitest';
import { MODELS, modaliasOf, modelsFor } from './index.js';

describe('models that come with modbox', () => {
  it('have names that tell them apart', () => {
    expect([...MODELS.keys()].sort()).toEqual(
      [...new Set([...MODELS.values()].map(({ name }) => name))].sort(),
    );
  });

  it('are found by what drivers wait for', () => {
    expect(modaliasOf(MODELS.get('e1000')!)).toBe('pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00');
    expect(modelsFor(['pci:v00008086d0000100Esv*sd*bc*sc*i*'])).toEqual(['e1000']);
    expect(modelsFor(['i2c:lm75', 'i2c:lm75a'])).toEqual(['lm75']);
    expect(modelsFor(['pci:v00008086d0000100Fsv*sd*bc*sc*i*', 'i2c:tmp421'])).toEqual([]);
  });
});
