// A Debian kernel in QEMU with an initramfs of busybox and Debian's kmod, for record.mjs.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const KMOD_TOOLS = ['modprobe', 'insmod', 'rmmod', 'lsmod', 'modinfo'];
const which = (command) => execFileSync('which', [command], { encoding: 'utf8' }).trim();

const INIT = `#!/bin/busybox sh
export PATH=/sbin:/bin HOME=/
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t debugfs debug /sys/kernel/debug
dmesg -n 1; sleep 1; dmesg -c >/dev/null
echo '@@begin'; sh /script 2>&1; echo "@@end"
poweroff -f
`;

/** A folder that becomes the guest's root: tools, and `/init`, which runs `/script`. */
export function makeRoot() {
  const root = mkdtempSync(join(tmpdir(), 'modbox-check-'));
  for (const d of ['bin', 'sbin', 'lib', 'lib64', 'proc', 'sys', 'dev', 'tmp', 'run', 'etc', 'mnt']) mkdirSync(join(root, d));
  cpSync(realpathSync(which('busybox')), join(root, 'bin/busybox'));
  const applets = execFileSync('busybox', ['--list'], { encoding: 'utf8' }).split('\n');
  for (const a of applets) if (a && a !== 'busybox' && a !== 'depmod' && !KMOD_TOOLS.includes(a)) symlinkSync('busybox', join(root, 'bin', a));
  const kmod = realpathSync(which('kmod'));
  cpSync(kmod, join(root, 'bin/kmod'));
  for (const tool of KMOD_TOOLS) symlinkSync('../bin/kmod', join(root, 'sbin', tool));
  for (const library of execFileSync('ldd', [kmod], { encoding: 'utf8' }).match(/\/[^ \n]+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
  writeFileSync(join(root, 'init'), INIT);
  chmodSync(join(root, 'init'), 0o755);
  return root;
}

/** Kernel parameters without which a guest on a busy machine fails to measure its clock and never gets through the boot. */
function clockParameters() {
  const mhz = /cpu MHz\s*: ([\d.]+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  return mhz ? `tsc=reliable tsc_early_khz=${Math.round(Number(mhz) * 1000)}` : '';
}

/**
 * Boots `vmlinuz` with `root` and gives what `/script` printed. The guest is ended when it says nothing for
 * `silence` seconds; the script has to print something more often than that.
 */
export async function boot(vmlinuz, root, { args = '', memory = 2048, silence = 90 } = {}) {
  const image = `${root}.cpio`;
  const out = openSync(image, 'w');
  const names = execFileSync('find', ['.', '-print0'], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync('cpio', ['-0', '-o', '-H', 'newc', '--quiet'], { cwd: root, input: names, stdio: ['pipe', out, 'inherit'] });
  closeSync(out);
  const guest = spawn('qemu-system-x86_64', [
    '-M', 'microvm,acpi=on,rtc=on,pit=on,pic=on,isa-serial=on,pcie=off', '-nodefaults', '-no-user-config', '-accel', 'tcg', '-cpu', 'max',
    '-m', String(memory), '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot', '-kernel', vmlinuz, '-initrd', image,
    '-append', `console=ttyS0 quiet panic=-1 nokaslr no5lvl ${clockParameters()} ${args}`,
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let heard = Date.now();
  guest.stdout.setEncoding('latin1').on('data', (text) => { output += text; heard = Date.now(); });
  const watch = setInterval(() => {
    const patience = output.includes('@@begin') ? silence : 200;
    if (Date.now() - heard > 1000 * patience) guest.kill('SIGKILL');
  }, 500);
  await new Promise((done) => guest.on('close', done));
  clearInterval(watch);
  if (existsSync(image)) rmSync(image);
  return output.replaceAll('\r', '');
}
