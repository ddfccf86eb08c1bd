import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBundledBtf } from '../../testing/bundled.js';
import { corpusTree } from '../../testing/corpus.js';
import { parseElf } from '../elf/index.js';
import { Btf, UnknownTypeError } from './index.js';

const bytes = loadBundledBtf();
const btf = Btf.parse(bytes, 'vmlinux');
const tree = await corpusTree();

describe('the types of a kernel', () => {
  it('sizes, by all ways to name a type', () => {
    expect(btf.sizeOf('list_head')).toBe(16);
    expect(btf.sizeOf('struct list_head')).toBe(16);
    expect(btf.sizeOf('size_t')).toBe(8);
    expect(btf.sizeOf('unsigned int')).toBe(4);
    expect(btf.sizeOf('enum hrtimer_mode')).toBe(4);
    expect(() => btf.sizeOf('struct no_such_thing')).toThrow(UnknownTypeError);
    expect(() => btf.sizeOf('union list_head')).toThrow("vmlinux: no type 'union list_head'");
  });

  it('fields: nested, anonymous, indexed, bit-fields', () => {
    expect(btf.offsetOf('list_head', 'prev')).toBe(8);
    expect(btf.offsetOf('device', 'kobj.kref.refcount.refs.counter')).toBe(
      btf.offsetOf('device', 'kobj') + btf.offsetOf('kobject', 'kref'),
    );
    expect(btf.offsetOf('sk_buff', 'dev')).toBe(16);
    expect(btf.offsetOf('module', 'name[3]')).toBe(btf.offsetOf('module', 'name') + 3);
    expect(btf.field('kobject', 'state_in_sysfs')).toMatchObject({ offset: 60, bitOffset: 1, bitSize: 1 });
    expect(btf.findField('kobject', 'nothing')).toBeUndefined();
    expect(btf.findField('no_such_struct', 'x')).toBeUndefined();
    expect(() => btf.field('kobject', 'parent.name')).toThrow('kobject.parent.name: .name of a pointer');
    expect(() => btf.field('task_struct', 'comm[16]')).toThrow('[16] of an array of 16');
    expect(() => btf.field('kobject', 'nothing')).toThrow("member 'nothing' in struct kobject");
    expect(() => btf.field('kobject', 'name-x')).toThrow("'-x' is not a member or index");
  });

  it('enumerators', () => {
    expect(btf.enumValue('DL_DEV_PROBING')).toBe(1);
    expect(btf.enumValues('hrtimer_mode').get('HRTIMER_MODE_PINNED')).toBe(2);
    expect(btf.findEnumValue('NO_SUCH_ENUMERATOR')).toBeUndefined();
  });

  it('prototypes and C declarations', () => {
    const printk = btf.prototype('_printk');
    expect(printk.variadic).toBe(true);
    expect(printk.params.map((p) => btf.typeName(p.type, p.name))).toEqual(['const char *fmt']);
    const create = btf.prototype('kthread_create_on_node');
    expect(create.params.map((p) => btf.typeName(p.type, p.name))).toEqual([
      'int (*threadfn)(void *)',
      'void *data',
      'int node',
      'const char *namefmt',
    ]);
    expect(btf.typeName(create.result)).toBe('struct task_struct *');
    const read = btf.field('file_operations', 'read').type;
    expect(btf.typeName(read)).toBe('ssize_t (*)(struct file *, char *, size_t, loff_t *)');
    expect(btf.prototype(read).params).toHaveLength(4);
    expect(btf.typeName(btf.field('task_struct', 'comm').type)).toBe('char [16]');
    expect(btf.typeName(btf.field('task_struct', 'cred').type, 'cred')).toBe('const struct cred *cred');
    expect(btf.findPrototype('no_such_function')).toBeUndefined();
  });

  it('what types are', () => {
    expect(btf.classify(btf.type('size_t'))).toMatchObject({
      kind: 'int',
      size: 8,
      signed: false,
      typedef: 'size_t',
    });
    expect(btf.classify(btf.type('loff_t'))).toMatchObject({
      kind: 'int',
      size: 8,
      signed: true,
      typedef: 'loff_t',
    });
    expect(btf.classify(btf.type('bool'))).toMatchObject({ kind: 'bool', size: 1 });
    expect(btf.classify(0)).toEqual({ kind: 'void' });
    expect(btf.classify(btf.type('list_head'))).toMatchObject({
      kind: 'struct',
      name: 'list_head',
      size: 16,
    });
    const format = btf.classify(btf.prototype('_printk').params[0].type);
    expect(format.kind === 'ptr' && btf.classify(format.to)).toMatchObject({
      kind: 'int',
      name: 'char',
      isConst: true,
    });
    expect(btf.classify(btf.field('task_struct', 'comm').type)).toMatchObject({ kind: 'array', length: 16 });
  });
});

describe.skipIf(!hasPahole())('the types of a kernel, next to pahole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-btf-'));
  const file = join(folder, 'vmlinux.btf');
  writeFileSync(file, bytes);
  afterAll(() => rmSync(folder, { recursive: true }));
  const pahole = (...args: string[]): string[] =>
    execFileSync('pahole', ['-F', 'btf', ...args, file], {
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 1 << 28,
    }).split('\n');

  it('the size of every struct', () => {
    const sizes = pahole('--sizes').map((line) => line.split('\t'));
    const counts = new Map<string, number>();
    for (const [name] of sizes) counts.set(name, (counts.get(name) ?? 0) + 1);
    const unique = sizes.filter(([name, size]) => size !== undefined && counts.get(name) === 1);
    expect(unique.length).toBeGreaterThan(5000);
    for (const [name, size] of unique) {
      const found = btf.findType(`struct ${name}`) ?? btf.type(`union ${name}`);
      expect(`${name} ${btf.sizeOf(found)}`).toBe(`${name} ${size}`);
    }
  });

  it.each([
    'task_struct',
    'device',
    'sk_buff',
    'net_device',
    'module',
    'page',
    'file_operations',
    'inode',
    'request_queue',
    'tcp_sock',
  ])('every member of %s', (struct) => {
    let compared = 0;
    const members = pahole('-C', struct).flatMap((line) => {
      const match =
        /^\t+.*?(?:\(\*+(\w+)\)\(.*\)|\b(\w+)(?:\[\d*\])*(?::\d+)?);\s+\/\* +(\d+)(?:: *(\d+))? +\d+ \*\/$/.exec(
          line,
        );
      return match === null
        ? []
        : [{ name: match[1] ?? match[2], bit: Number(match[3]) * 8 + Number(match[4] ?? 0) }];
    });
    for (const { name, bit } of members) {
      const field = btf.findField(struct, name);
      // Members of named inner structs are not members of this one.
      if (field === undefined || members.some((m) => m.name === name && m.bit !== bit)) continue;
      expect(`${name} ${field.offset * 8 + (field.bitOffset ?? 0)}`).toBe(`${name} ${bit}`);
      compared++;
    }
    expect(compared).toBeGreaterThan(members.length * 0.7);
  });
});

describe.skipIf(tree === undefined)('split BTF of real modules', () => {
  it('refers to its base and adds to it', () => {
    const root = join(tree ?? '', 'lib/modules');
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ko'),
    );
    const path = join(root, names.find((name) => name.endsWith('/snd-hda-intel.ko')) ?? '');
    const section = parseElf(readFileSync(path), path).section('.BTF');
    const split = Btf.parseSplit(btf, section?.data ?? new Uint8Array(0), path);
    expect(split.typeCount).toBeGreaterThan(btf.typeCount);
    expect(split.sizeOf('task_struct')).toBe(btf.sizeOf('task_struct'));
    expect(split.offsetOf('hda_intel', 'chip')).toBe(0);
    expect(btf.findType('hda_intel')).toBeUndefined();
    const probe = split.prototype('azx_probe');
    expect(probe.params.map((p) => split.typeName(p.type, p.name))).toEqual([
      'struct pci_dev *pci',
      'const struct pci_device_id *pci_id',
    ]);
  });

  it('opens for every module, and every type has a name and a size', () => {
    const root = join(tree ?? '', 'lib/modules');
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ko'),
    );
    let types = 0;
    for (const [i, name] of names.entries()) {
      const section = parseElf(readFileSync(join(root, name)), name).section('.BTF');
      if (section === undefined) continue;
      const split = Btf.parseSplit(btf, section.data, name);
      types += split.typeCount - btf.typeCount;
      if (i % 50 !== 0) continue;
      for (let ref = btf.typeCount; ref < split.typeCount; ref++) expect(split.typeName(ref)).not.toBe('');
    }
    expect(types).toBeGreaterThan(100_000);
  });
});

function hasPahole(): boolean {
  try {
    execFileSync('pahole', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
