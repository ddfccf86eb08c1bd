import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { CapturedOutput } from '../terminal.js';
import { Machine } from './machine.js';
import { Shell } from './shell/shell.js';

const chardev = readFileSync(new URL('../../../tests/modules/chardev.ko', import.meta.url));

function boot(): (command: string) => string {
  const machine = Machine.boot({
    target: loadBundled(),
    files: new MemoryFiles([['/mods/chardev.ko', chardev]]),
  });
  return (command) => {
    const output = new CapturedOutput();
    new Shell(machine, output).run(command);
    return output.stdout + output.stderr;
  };
}

describe('/proc of a machine without devices', () => {
  const run = boot();

  it('has the majors that the recorded kernel has, in its order', () => {
    const names =
      '1 mem,4 /dev/vc/0,4 tty,4 ttyS,5 /dev/tty,5 /dev/console,5 /dev/ptmx,7 vcs,10 misc,13 input,29 fb,' +
      '128 ptm,136 pts,153 spi,247 cxl,248 bsg,249 ptp,250 pps,251 rtc,252 dax,253 tpm,254 gpiochip';
    const lines = run('cat /proc/devices').split('\n').slice(1, 23);
    expect(lines.map((line) => line.trim()).join(',')).toBe(names);
  });

  it('tells of memory, ports and interrupts', () => {
    expect(run('cat /proc/iomem')).toMatch(/^00001000-0009fbff : System RAM$/m);
    expect(run('cat /proc/iomem')).toMatch(/^ {2}[0-9a-f]{8}-[0-9a-f]{8} : Kernel code$/m);
    expect(run('cat /proc/ioports')).toMatch(/^0020-0021 : pic1$/m);
    expect(run('cat /proc/interrupts')).toMatch(/^ {11}CPU0 {7}\n {2}0: {10}0 .*timer\n[\s\S]*^NMI: {10}0 /m);
  });

  it('has nothing of what drivers bring', () => {
    expect(run('cat /proc/partitions; ls /sys/block')).toBe('');
    expect(run('cat /proc/net/dev').split('\n')).toHaveLength(4);
    expect(run('cat /proc/net/dev')).toMatch(/^ {4}lo: {7}0 /m);
  });

  it('has directories of processes', () => {
    expect(run('cat /proc/self/comm')).toBe('cat\n');
    expect(run('cat /proc/1/comm')).toBe('init\n');
  });

  it('names the kernel’s symbols before any module, and a module’s own after', () => {
    expect(run("grep -c ' T _printk$' /proc/kallsyms")).toBe('1\n');
    run('insmod /mods/chardev.ko');
    expect(run("grep -c 'b modbox_class.\\[chardev\\]' /proc/kallsyms; cat /proc/devices")).toMatch(
      /^1\n[\s\S]*^246 modbox/m,
    );
  });
});
