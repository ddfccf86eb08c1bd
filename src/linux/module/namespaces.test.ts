import { describe, expect, it } from 'vitest';
import { parseModinfo } from '../../formats/modinfo.js';
import { mayUseNamespace } from './namespaces.js';

function module(name: string, ...imports: string[]): Parameters<typeof mayUseNamespace>[0] {
  const text = imports.map((namespace) => `import_ns=${namespace}\0`).join('');
  return { name, modinfo: parseModinfo(new TextEncoder().encode(text)) };
}

describe('symbols in a namespace may be used by', () => {
  it('modules that import it', () => {
    expect(mayUseNamespace(module('kvm', 'CRYPTO_INTERNAL', 'USB_STORAGE'), 'USB_STORAGE')).toBe(true);
    expect(mayUseNamespace(module('kvm', 'CRYPTO_INTERNAL'), 'USB_STORAGE')).toBe(false);
    expect(mayUseNamespace(module('kvm'), '')).toBe(true);
  });

  it.each([
    ['kvm', 'module:kvm', true],
    ['kvm_intel', 'module:kvm', false],
    ['kvm_intel', 'module:kvm-amd,kvm-intel', true],
    ['kvm_intel', 'module:kvm,kvm-*', true],
    ['kvm', 'module:kvm-*', false],
    ['kvm', 'module:', false],
    ['kvm', 'module:*', true],
    ['kvm', 'module:kvm*x', false],
  ])('%s, where it is %s: %s', (name, namespace, may) => {
    expect(mayUseNamespace(module(name), namespace)).toBe(may);
  });
});
