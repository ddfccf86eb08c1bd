import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../machine/linux/machine.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { packageTree } from '../../testing/corpus.js';
import { trustFile, trustPath } from '../../trust/testing/own-files.js';
import { machineOptions } from '../open-machine.js';
import { runCommand } from '../testing/command.js';
import { main as run } from './run.js';
import { main as shell } from './shell.js';
import { main } from './sign.js';

const KEY = ['--key', trustPath('keys/rsa.pem'), '--cert', trustPath('keys/rsa.crt')];
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-sign-'));
  file = join(folder, 'trustme.ko');
  writeFileSync(file, trustFile('trustme.ko'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const sign = (...args: readonly string[]) => runCommand(main, args);
const content = (name: string): Buffer => readFileSync(join(folder, name));

describe('modbox sign', async () => {
  const kbuild = await packageTree('linux-kbuild-6.1');
  const signFile = (...args: readonly string[]): void => {
    execFileSync(`${kbuild}/usr/lib/linux-kbuild-6.1/scripts/sign-file`, args, { stdio: 'pipe' });
  };

  it.skipIf(kbuild === undefined)('writes what sign-file writes, with each of its options', async () => {
    const theirs = join(folder, 'theirs.ko');
    const reference = ['sha512', trustPath('keys/rsa.pem'), trustPath('keys/rsa.crt'), theirs];
    for (const option of ['-k', '-p', '-d', undefined]) {
      for (const path of [theirs, file]) writeFileSync(path, trustFile('trustme.ko'));
      signFile(...(option ? [option] : []), ...reference);
      const end = await sign(file, ...KEY, '--hash', 'sha512', ...(option ? [option] : []));
      expect(end).toMatchObject({ status: 0, err: '' });
      expect(content('trustme.ko').equals(content('theirs.ko'))).toBe(true);
      if (option === '-p' || option === '-d')
        expect(content('trustme.ko.p7s').equals(content('theirs.ko.p7s'))).toBe(true);
    }
    for (const path of [theirs, file]) writeFileSync(path, trustFile('trustme.ko'));
    const raw = trustPath('signatures/p256-sha256.p7s');
    signFile('-s', raw, 'sha256', trustPath('keys/p256.crt'), theirs);
    expect(await sign(file, '-s', raw)).toMatchObject({ status: 0, err: '' });
    expect(content('trustme.ko').equals(content('theirs.ko'))).toBe(true);
  });

  it('signs in place, keeping the mode, or to another file', async () => {
    chmodSync(file, 0o600);
    const other = join(folder, 'other.ko');
    expect(await sign(file, ...KEY, '--out', other)).toEqual({
      status: 0,
      out: 'other.ko: signed by modbox test key rsa, sha256\n',
      err: '',
    });
    expect(content('trustme.ko').equals(trustFile('trustme.ko'))).toBe(true);
    const { out } = await sign(file, ...KEY, '--json');
    expect(JSON.parse(out)).toEqual({
      file,
      written: [file],
      signer: 'modbox test key rsa',
      hash: 'sha256',
      signatureBytes: expect.any(Number),
      signaturesBefore: 0,
      stripped: false,
    });
    expect(content('trustme.ko').equals(content('other.ko'))).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('takes key and certificate out of one file, and says so when there is none', async () => {
    const both = join(folder, 'signing_key.pem');
    writeFileSync(both, Buffer.concat([trustFile('keys/rsa.pem'), trustFile('keys/rsa.crt')]));
    expect(await sign(file, '--key', both)).toMatchObject({ status: 0, err: '' });
    const alone = trustPath('keys/rsa.pem');
    expect(await sign(file, '--key', alone)).toMatchObject({
      status: 1,
      err: `modbox: ${alone}: there is no certificate in the PEM file: --cert CERT is needed\n`,
    });
  });

  it('says that a module is signed already, and replaces the signature with --strip', async () => {
    await sign(file, ...KEY);
    const once = content('trustme.ko');
    expect((await sign(file, ...KEY)).err).toContain('trustme.ko is signed already');
    expect(content('trustme.ko').length).toBeGreaterThan(once.length);
    expect(await sign(file, ...KEY, '--strip')).toMatchObject({ status: 0, err: '' });
    expect(content('trustme.ko').equals(once)).toBe(true);
  });

  it('refuses what cannot be right, and leaves the file as it is', async () => {
    const before = content('trustme.ko');
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [['--key', trustPath('keys/p256.pem'), '--cert', trustPath('keys/rsa.crt')], 1, 'the key is for ecdsa'],
      [['--key', file, '--cert', trustPath('keys/rsa.crt')], 1, 'no private key'],
      [['--key', trustPath('keys/rsa.pem'), '--cert', file], 1, 'trustme.ko'],
      [['--key', 'pkcs11:token=x'], 2, 'PKCS#11 is not implemented'],
      [[...KEY, '--hash', 'md4'], 2, '--hash md4: not implemented, only sha1, sha224, sha256'],
      [['--raw', file, ...KEY], 2, '--key means nothing with --raw'],
      [[], 2, '--key KEY is needed'],
      [['--key', join(folder, 'nothing')], 1, 'No such file'],
    ];
    for (const [args, status, err] of cases)
      expect(await sign(file, ...args)).toMatchObject({ status, out: '', err: expect.stringContaining(err) });
    expect(content('trustme.ko').equals(before)).toBe(true);
  });

  it('refuses compressed modules, with advice', async () => {
    writeFileSync(`${file}.gz`, gzipSync(content('trustme.ko')));
    const { status, err } = await sign(`${file}.gz`, ...KEY);
    expect(status).toBe(1);
    expect(err).toContain('compressed with gzip: sign a module before it is compressed');
  });
});

describe('--key', () => {
  function load(keys: readonly string[], cmdline: string): { exit: number; err: string; log: string } {
    const machine = Machine.boot(machineOptions({ key: keys, cmdline }));
    const output = new CapturedOutput();
    const { exit } = new Shell(machine, output).run(`insmod ${file}`);
    const lines = machine.dmesg().map(({ text }) => text);
    return { exit, err: output.stderr, log: lines.join('\n') };
  }

  it('makes the kernel take what that key signed, and nothing else', async () => {
    await sign(file, ...KEY);
    const enforced = 'module.sig_enforce=1';
    expect(load([], enforced)).toMatchObject({
      exit: 1,
      err: expect.stringContaining('Key was rejected by service'),
      log: expect.stringContaining('Loading of module with unavailable key is rejected'),
    });
    expect(load([trustPath('keys/p256.crt')], enforced).exit).toBe(1);
    const trusted = load([trustPath('keys/p256.crt'), trustPath('keys/rsa.crt')], enforced);
    expect(trusted).toMatchObject({ exit: 0, err: '' });
    expect(trusted.log).not.toContain('module verification failed');
    writeFileSync(file, trustFile('trustme.ko'));
    expect(load([trustPath('keys/rsa.crt')], enforced).log).toContain(
      'Loading of unsigned module is rejected',
    );
  });

  it('names the file that is no certificate', async () => {
    const end = await runCommand(shell, ['--key', trustPath('keys/rsa.pem'), '-c', 'true']);
    expect(end).toMatchObject({
      status: 1,
      err: expect.stringContaining('keys/rsa.pem: there is no certificate'),
    });
    expect(await runCommand(shell, ['--key', file, '-c', 'true'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('trustme.ko'),
    });
  });
});

describe('--user', () => {
  it('is refused what needs CAP_SYS_MODULE, in the words of insmod and rmmod', async () => {
    const script = `insmod ${file}; echo 1 > /proc/sys/kernel/modules_disabled`;
    const { status, err } = await runCommand(shell, ['--user', '1000', '-c', script]);
    expect(status).toBe(1);
    expect(err.split('\n')).toEqual([
      `insmod: ERROR: could not insert module ${file}: Operation not permitted`,
      'modbox: loading and removing modules needs CAP_SYS_MODULE',
      "sh: can't create /proc/sys/kernel/modules_disabled: Permission denied",
      '',
    ]);
    expect(await runCommand(shell, ['--user', 'me', '-c', 'true'])).toMatchObject({ status: 2 });
    expect(await runCommand(shell, ['--user', 'root', '-c', `insmod ${file}`])).toMatchObject({ status: 0 });
  });
});

describe('run --user', () => {
  it('loads as root and uses as that user', async () => {
    const { status, out } = await runCommand(run, [
      'tests/modules/hello.ko',
      '--user',
      '1000',
      '--exec',
      'id',
    ]);
    expect(out).toContain('uid=1000');
    expect(status).toBe(0);
  });
});
