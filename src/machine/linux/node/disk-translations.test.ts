import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faults, machineWith, shell } from '../../../acceptance/testing/machines.js';
import type { TranslationStore } from '../../../cpu/runtime/code-cache.js';
import { CacheFolder } from '../../../kmod/node/depmod/cache-folder.js';
import { guest } from '../../../linux/testing/guest.js';
import type { FaultReport } from '../../../linux/traps/report.js';
import { imageTarget } from '../../../testing/targets.js';
import { DiskTranslations } from './disk-translations.js';

const FEW = { files: 100, bytes: 1 << 24, looksEvery: 1 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-translations-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** The translations of a process of its own. Counts what had to be made. */
class OfProcess implements TranslationStore {
  made = 0;
  private readonly disk: DiskTranslations;

  constructor(version = 'one', bounds = FEW) {
    this.disk = new DiskTranslations(new CacheFolder(folder, bounds), version);
  }

  load(key: string): readonly Uint8Array[] {
    return this.disk.load(key);
  }

  save(key: string, entry: Uint8Array): void {
    this.made++;
    this.disk.save(key, entry);
  }

  flush(): void {
    this.disk.flush();
  }
}

const files = (): string[] => readdirSync(folder).map((name) => join(folder, name));

interface Seen {
  readonly faults: readonly FaultReport[];
  readonly [what: string]: unknown;
}

/** Threads, timers and work, a module that uses memory after it is freed, and hello: all that can be seen of it. */
function busyRun(translations: TranslationStore | false): Seen {
  const names = ['sleeper', 'kthread_wait', 'workq_timer', 'faulty_uaf_read', 'hello'];
  const machine = machineWith(names, { translations });
  const outputs = names.map((name) => shell(machine, `insmod /mods/${name}.ko`));
  machine.sleep(3600e9);
  outputs.push(...names.map((name) => shell(machine, `rmmod ${name}`)));
  const seen = {
    outputs,
    faults: faults(machine),
    log: machine.dmesg().map(({ time, text }) => `${time} ${text}`),
    instructions: machine.kernel.cpu.executed,
    work: machine.kernel.cpu.elapsed,
    time: machine.kernel.clock.now,
  };
  machine.release();
  return seen;
}

describe('translations on disk', () => {
  it('are found by another process, which makes none', () => {
    const [first, second] = [new OfProcess(), new OfProcess()];
    busyRun(first);
    expect(first.made).toBeGreaterThan(20);
    busyRun(second);
    expect(second.made).toBe(0);
  });

  it('change nothing that can be seen of a run', () => {
    const without = busyRun(false);
    expect(without.faults).not.toEqual([]);
    expect(busyRun(new OfProcess())).toEqual(without);
    expect(busyRun(new OfProcess())).toEqual(without);
  });

  it('are not used by another version', () => {
    busyRun(new OfProcess());
    const other = new OfProcess('two');
    busyRun(other);
    expect(other.made).toBeGreaterThan(0);
  });

  it('are made again where files are damaged, emptied or gone', () => {
    const first = new OfProcess();
    const whole = busyRun(first);
    const damage: ((file: string) => void)[] = [
      (file) => {
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1] ^= 1;
        writeFileSync(file, bytes);
      },
      (file) => writeFileSync(file, readFileSync(file).subarray(0, 100)),
      (file) => writeFileSync(file, ''),
      (file) => rmSync(file),
    ];
    for (const hurt of damage) {
      files().forEach(hurt);
      const again = new OfProcess();
      expect(busyRun(again)).toEqual(whole);
      expect(again.made).toBe(first.made);
    }
    const mended = new OfProcess();
    busyRun(mended);
    expect(mended.made).toBe(0);
  });

  it('are those of both, of two processes at once', () => {
    const [one, other] = [new OfProcess(), new OfProcess()];
    for (const process of [one, other]) process.load('place');
    one.save('place', Uint8Array.of(1));
    one.save('place', Uint8Array.of(2));
    other.save('place', Uint8Array.of(2));
    other.save('place', Uint8Array.of(3));
    one.flush();
    other.flush();
    expect(new OfProcess().load('place').map(([byte]) => byte)).toEqual([1, 2, 3]);
  });

  it('stay within a bound: the files that were not used for the longest time go, and the entries that came first', () => {
    const store = new OfProcess('one', { ...FEW, files: 3 });
    for (let i = 0; i < 10; i++) {
      store.save(`place ${i}`, Uint8Array.of(i));
      store.flush();
    }
    expect(files()).toHaveLength(3);
    const megabyte = (byte: number): Uint8Array => new Uint8Array(700_000).fill(byte);
    for (const byte of [1, 2, 3, 4]) store.save('large', megabyte(byte));
    store.flush();
    expect(new OfProcess().load('large').map(([byte]) => byte)).toEqual([3, 4]);
  });

  it('are done without where nothing can be written', () => {
    writeFileSync(join(folder, 'file'), '');
    const store = new DiskTranslations(new CacheFolder(join(folder, 'file', 'below')), 'one');
    expect(busyRun(store)).toEqual(busyRun(false));
  });
});

const target = await imageTarget();

describe.skipIf(target === undefined)('translations of code that only the target itself has', () => {
  it('are found by another process too', () => {
    const used = (translations: TranslationStore): unknown => {
      const { k, call } = guest({ translations }, target!);
      const out = k.permanent(64);
      call.base64_encode(k.constantString('hello'), 5, out);
      const text = k.space.cstring(out);
      k.cpu.keepTranslations();
      return { text, days: call.rtc_month_days(1, 2024), instructions: k.cpu.executed };
    };
    const [first, second] = [new OfProcess(), new OfProcess()];
    const whole = used(first);
    first.flush();
    expect(first.made).toBeGreaterThan(1);
    expect(used(second)).toEqual(whole);
    expect(second.made).toBe(0);
  });
});
