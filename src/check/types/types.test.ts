import { describe, expect, it } from 'vitest';
import { readTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { treeSource } from '../../target/node/path-source.js';
import { newerTree } from '../../testing/corpus.js';
import { Random } from '../../testing/random.js';
import { listChanges } from './list-difference.js';
import { SymbolChanges } from './symbol-changes.js';

const newer = await newerTree();

describe('differences of two lists', () => {
  it('say what was added, removed and replaced, and where', () => {
    const changes = (from: string, to: string) => listChanges([...from], [...to]);
    expect(changes('abc', 'abc')).toEqual([]);
    expect(changes('abc', 'axbc')).toEqual([{ removed: [], added: ['x'], before: 'b' }]);
    expect(changes('abc', 'abcx')).toEqual([{ removed: [], added: ['x'], before: undefined }]);
    expect(changes('abc', 'ac')).toEqual([{ removed: ['b'], added: [], before: 'c' }]);
    expect(changes('abcd', 'axyd')).toEqual([{ removed: ['b', 'c'], added: ['x', 'y'], before: 'd' }]);
    expect(changes('', 'ab')).toEqual([{ removed: [], added: ['a', 'b'], before: undefined }]);
  });

  it('lead from any list to any other', () => {
    const random = new Random(7);
    const list = (): string[] => Array.from({ length: random.below(12) }, () => 'abcdef'[random.below(6)]);
    for (let i = 0; i < 500; i++) {
      const from = list();
      const to = list();
      const changes = listChanges(from, to);
      const count = (key: 'added' | 'removed') =>
        changes.reduce((sum, change) => sum + change[key].length, 0);
      expect(from.length - count('removed') + count('added')).toBe(to.length);
      if (changes.length === 0) expect(from).toEqual(to);
    }
  });
});

describe('changes of types', () => {
  const bundled = loadBundled().types;

  it('there are none between a kernel and itself', () => {
    const changes = new SymbolChanges(bundled, bundled);
    for (const symbol of ['_printk', 'register_netdevice', 'kmem_cache_create', 'pci_enable_device'])
      expect(changes.of(symbol)).toEqual([]);
    expect(changes.of('no_such_function')).toBeUndefined();
    expect(changes.of('jiffies')).toBeUndefined();
  });

  it.skipIf(newer === undefined)('name what changed from 6.1 to 6.12, as the kernel changed it', () => {
    const { types, exports } = readTarget(treeSource(newer!));
    const changes = new SymbolChanges(bundled, types);
    const told = (symbol: string) => changes.of(symbol)?.map(({ type, text }) => `${type}: ${text}`);
    // struct class * became const in driver functions in 6.4.
    expect(told('device_create')?.[0]).toMatch(
      /^device_create\(\): was struct device \*\s?\(struct class \*,.* is struct device \*\s?\(const struct class \*,/,
    );
    expect(told('module_layout')).toContainEqual(
      expect.stringMatching(/^struct module: members 'core_layout', 'init_layout' replaced by 'mem'$/),
    );
    // struct bus_type * became const in struct device.
    expect(told('device_set_wakeup_enable')).toContainEqual(
      "struct device: member 'bus' was 'struct bus_type *bus', is 'const struct bus_type *bus'",
    );
    for (const { path, type } of changes.of('register_netdevice') ?? []) {
      expect(path[0] ?? type).toBe('register_netdevice()');
      expect(types.findType(type) ?? bundled.findType(type) ?? type).toBeDefined();
    }
    // Where the CRC is the same, the declaration is.
    const same = [...loadBundled().exports.values()].filter(
      ({ name, crc }) => exports.get(name)?.crc === crc,
    );
    expect(same.length).toBeGreaterThan(500);
    for (const { name } of same)
      for (const { path, text } of changes.of(name) ?? [])
        expect(path.length, `${name}: ${text}`).toBeGreaterThan(0);
  });
});
