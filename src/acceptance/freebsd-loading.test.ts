import { describe, expect, it } from 'vitest';
import { type Outcome, outcomeOf } from './testing/klds.js';

/** What is said of a module that cannot be loaded, and why. */
function refused(name: string, ...log: readonly string[]): Outcome {
  return {
    log,
    load: 1,
    errno: 'ENOEXEC',
    said: [
      `kldload: an error occurred while loading module ${name}.ko. Please check dmesg(8) for more details.`,
    ],
  };
}

const mismatch = (name: string, needed: string): Outcome =>
  refused(
    name,
    `KLD ${name}.ko: depends on ${needed} - not available or version mismatch`,
    `linker_load_file: /boot/modules/${name}.ko - unsupported file type`,
  );

describe('a kld that is loaded and unloaded', () => {
  it('has its module event called with MOD_LOAD and MOD_UNLOAD', () => {
    expect(outcomeOf('hello')).toEqual({ log: ['Hello, FreeBSD.'], logAfter: ['Goodbye, FreeBSD.'] });
  });

  it('brings what it depends on, which goes with it', () => {
    expect(outcomeOf('consumer', ['provider'])).toEqual({
      log: ['provider: ready', 'consumer: 42'],
      logAfter: ['provider: called 1 times'],
    });
  });

  it('uses local symbols of what it depends on, as most files of FreeBSD have no others', () => {
    expect(outcomeOf('usehidden', ['hidden'])).toEqual({ log: ['usehidden: 42'] });
  });

  it('has its SYSINITs called by subsystem and order, its event among them, and its SYSUNINITs backwards', () => {
    expect(outcomeOf('sysinits')).toEqual({
      log: ['one', 'two', 'three', 'four (MOD_LOAD)', 'five'].map((what) => `sysinits: ${what}`),
      logAfter: ['MOD_UNLOAD', 'last one: goes first', 'first one: goes last'].map(
        (what) => `sysinits: ${what}`,
      ),
    });
  });

  it('needs no module in it', () => {
    expect(outcomeOf('nomodule')).toEqual({ log: ['nomodule: 1'] });
  });

  it('may be built for an earlier kernel of the same branch', () => {
    expect(outcomeOf('for14')).toEqual({ log: ['for14: loaded'] });
  });
});

describe('a kld that is not loaded', () => {
  it.each(['for13', 'for15'])('%s is for a kernel of another branch', (name) => {
    expect(outcomeOf(name)).toEqual(mismatch(name, 'kernel'));
  });

  it('needs a module that there is none of', () => {
    expect(outcomeOf('nodepend')).toEqual(mismatch('nodepend', 'modbox_is_not_there'));
  });

  it('needs another version of one that there is, which goes again', () => {
    const { log = [], ...rest } = mismatch('badversion', 'provider');
    expect(outcomeOf('badversion', ['provider'])).toEqual({
      ...rest,
      log: ['provider: ready', 'provider: called 0 times', ...log],
    });
  });

  it('calls a function that nobody has', () => {
    expect(outcomeOf('missing')).toEqual(
      refused(
        'missing',
        'link_elf_obj: symbol modbox_missing_function undefined',
        'linker_load_file: /boot/modules/missing.ko - unsupported file type',
      ),
    );
  });

  it('fails at MOD_LOAD', () => {
    expect(outcomeOf('loadfail')).toEqual(
      refused('loadfail', 'loadfail: not today', 'module_register_init: MOD_LOAD (loadfail, 0x, 0) error 6'),
    );
  });
});

describe('a kld that is not unloaded', () => {
  const busy = { said: ["kldunload: can't unload file: Device busy"], unload: 1 };

  it('fails at MOD_UNLOAD', () => {
    expect(outcomeOf('nounload')).toEqual(busy);
  });

  it('fails at MOD_QUIESCE', () => {
    expect(outcomeOf('quiesce')).toEqual({ ...busy, logAfter: ['quiesce: busy'] });
  });

  it('is an accept filter, which nothing takes back unless net.inet.accf.unloadable says so', () => {
    expect(outcomeOf('accfmodbox')).toEqual({
      said: ["kldunload: can't unload file: Operation not supported"],
      unload: 1,
    });
  });
});
