import { complain } from '../output.js';
import { version } from '../version.js';

const TEXT = `modbox runs real, unmodified kernel modules in an ordinary process.

  modbox run MODULE [PARAM=VALUE]...      boot, load, use, unload, report
  modbox shell [SCRIPT | -c COMMANDS]     a machine with a prompt
  modbox shell --menu                     a boot menu before it
  modbox target add PATH | list | show T | remove T
                                          kernels that a machine can be
  modbox check MODULE... [--target T]...  will it load there? every reason why not
  modbox sign FILE --key KEY --cert CERT  signs a module, as the kernel's sign-file does
  modbox taint [MASK | REPORT.json]       explains what a kernel is tainted with, and by whom
  modbox graph | closure MODULE...        what modules need, and all of it for an image
  modbox kldxref DIR...                   writes FreeBSD's linker.hints
  modbox modinfo | modprobe -D ...        kmod's tools, on a file tree

Every command knows --help. Status: 0 success, 1 failure, 2 wrong usage.
`;

/** `modbox`, `modbox --help`, `modbox --version`, or a command that does not exist. */
export function help(name: string | undefined): number {
  if (name === '--version' || name === '-V') {
    process.stdout.write(`modbox ${version()}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(TEXT);
    return name === undefined ? 2 : 0;
  }
  complain(`no command '${name}'`);
  process.stderr.write('Try modbox --help.\n');
  return 2;
}
