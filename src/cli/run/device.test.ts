import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { corpusTree } from '../../testing/corpus.js';
import { hasQemu } from '../../testing/qemu.js';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const root = await corpusTree();

function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, NO_COLOR: '1', ...environment };
  return spawnSync(process.execPath, ['--import', 'tsx', MAIN, 'run', ...args], { encoding: 'utf8', env });
}

describe('modbox run --device', () => {
  it('says what it takes', () => {
    expect(run(['--device', 'card', 'brd'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^modbox: --device card: neither a model \(.*\blm75\b.*\) nor qemu:NAME\[,PROPERTY=VALUE\]\.\.\.\nTry --help\.\n$/,
      ),
    });
    expect(run(['--device', 'qemu:e1000', 'brd'], { PATH: '/nowhere' })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/qemu-system-x86_64 is not installed/),
    });
  });

  it.skipIf(!hasQemu())('has QEMU’s own words for a device that it does not have', () => {
    expect(run(['--device', 'qemu:no-such-card', 'brd'])).toMatchObject({
      status: 1,
      stderr: "modbox: QEMU: Device 'no-such-card' not found\n",
    });
  });

  it.skipIf(root === undefined)(
    'takes models, which are offered where a driver found no device',
    () => {
      expect(run(['--root', root!, 'i6300esb']).stdout).toContain('it would be shown --device i6300esb');
      const { status, stdout } = run(['--root', root!, '--device', 'i6300esb', 'i6300esb']);
      expect(stdout).toContain('i6300ESB timer 0000:00:01.0: initialized. heartbeat=30 sec (nowayout=0)');
      expect(stdout).not.toContain('not probed');
      expect(status).toBe(0);
    },
    60_000,
  );

  it.skipIf(!hasQemu() || root === undefined)(
    'gives a driver its device',
    () => {
      const identity = ['--exec', 'cat /sys/class/watchdog/watchdog0/identity'];
      const { status, stdout } = run(['--root', root!, '--device', 'qemu:i6300esb', ...identity, 'i6300esb']);
      expect(stdout).toContain('qemu:i6300esb: QEMU runs in real time, so runs differ');
      expect(stdout).toContain('i6300ESB timer 0000:00:01.0: initialized. heartbeat=30 sec (nowayout=0)');
      expect(stdout).toContain('\ni6300ESB timer\n');
      expect(status).toBe(0);
    },
    60_000,
  );
});
