import { describe, expect, it } from 'vitest';
import { main as shell } from './commands/shell.js';
import { runCommand } from './testing/command.js';

const boot = (cmdline: string) => runCommand(shell, ['--cmdline', cmdline, '-c', 'true']);

describe('booting', () => {
  it('tells of modules that cannot be loaded, and goes on', async () => {
    const { status, err } = await boot('modules-load=nothing,there');
    expect(status).toBe(0);
    expect(err).toContain(
      "systemd-modules-load: Failed to find module 'nothing'\nsystemd-modules-load: Failed to find module 'there'\n",
    );
  });

  it('names the boot parameters that do nothing here', async () => {
    const { err } = await boot(
      'panic_on_taint=0x1 quiet sysctl.kernel.modules_disabled=1 module.sig_enforce=1',
    );
    expect(err).toContain('modbox: the boot parameter panic_on_taint is not implemented: ');
    expect(err).toContain('modbox: the boot parameter sysctl.kernel.modules_disabled is not implemented: ');
    expect(err).not.toContain('sig_enforce');
  });
});
