import { describe, expect, it } from 'vitest';
import type { FreebsdTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { openLoader } from './loader.js';
import { bootWith, treeOf } from './testing/own-klds.js';

const KLDS = ['provider.ko', 'consumer.ko', 'hello.ko', 'panics.ko', 'missing.ko'];
const names = (machine: ReturnType<typeof bootWith>): string[] =>
  machine.kldstat().map(({ filename }) => filename);

describe('loader.conf', () => {
  it('sets tunables and loads files before the first command, with what they need', () => {
    const conf = 'hw.modbox="7"\nconsumer_load="YES"\nhello_load="YES"\nprovider_load="NO"\n';
    const machine = bootWith(KLDS, { '/boot/loader.conf': conf });
    expect(names(machine)).toEqual(['kernel', 'provider.ko', 'consumer.ko', 'hello.ko']);
    expect(machine.exec('kenv hw.modbox').stdout).toBe('7\n');
    expect(machine.loaderComplaints).toEqual([]);
    expect(machine.exec('kldunload consumer && kldunload provider').exit).toBe(0);
  });

  it('obeys module_blacklist, also where it is a tunable of the command line', () => {
    const conf = { '/boot/loader.conf': 'module_blacklist="panics"\npanics_load="YES"\nhello_load="YES"\n' };
    expect(names(bootWith(KLDS, conf))).toEqual(['kernel', 'hello.ko']);
    const environment = new Map([['module_blacklist', 'hello panics']]);
    expect(names(bootWith(KLDS, conf, { environment }))).toEqual(['kernel']);
  });

  it('tells what it cannot do as the loader tells it, and what the kernel cannot link as the kernel does', () => {
    const conf = 'none_load="YES"\nmissing_load="YES"\nhello_load="YES"\nbad line\n';
    const machine = bootWith(KLDS, { '/boot/loader.conf': conf });
    expect(machine.loaderComplaints).toEqual([
      'Malformed line (4):',
      "\t'bad line'",
      "Failed to parse config: '/boot/loader.conf'",
      "can't find 'none'",
    ]);
    expect(names(machine)).toEqual(['kernel', 'hello.ko']);
    expect(machine.log.since(0).map(({ text }) => text)).toContain(
      'KLD file missing.ko - could not finalize loading',
    );
  });

  it('is not read where nobody wants it, or there is none', () => {
    const conf = { '/boot/loader.conf': 'hello_load="YES"\n' };
    expect(names(bootWith(KLDS, conf, { loader: false }))).toEqual(['kernel']);
    expect(bootWith(KLDS).loaderSaid).toBe('');
  });

  it('can ask for a kernel that is not there', () => {
    const machine = bootWith(KLDS, { '/boot/loader.conf': 'kernel="GENERIC.old"\nhello_load="YES"\n' });
    expect(machine.loaderComplaints).toContain("Failed to load kernel 'GENERIC.old'");
    expect(names(machine)).toEqual(['kernel']);
  });
});

describe('the prompt of the loader', () => {
  it('loads what is asked for, and boots that', () => {
    const target = loadBundled('freebsd/14.2-amd64') as FreebsdTarget;
    let said = '';
    const loader = openLoader({ target, files: treeOf(KLDS), out: (text) => (said += text) });
    for (const line of ['load /boot/kernel/kernel', 'load hello', 'set hw.modbox=8', 'lsmod'])
      expect(loader.run(line)).toBeUndefined();
    expect(said).toContain('/boot/modules/hello.ko (elf obj module,');
    const request = loader.run('boot');
    const machine = bootWith(KLDS, {}, { loader: request! });
    expect(names(machine)).toEqual(['kernel', 'hello.ko']);
    expect(machine.exec('kenv hw.modbox').stdout).toBe('8\n');
  });
});
