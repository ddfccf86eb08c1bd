import { DiskFiles, DiskHints, kldxref } from '../../tools.js';
import { bytesFor, printError } from '../output.js';

const HELP = `usage: modbox kldxref [-Rdv] [-f HINTSFILE] DIRECTORY...

kldxref(8) on the disk: writes linker.hints of directories with klds of FreeBSD, by which kernel and loader find modules.

  -R                 directories below too
  -d                 shows what would be written, and writes nothing
  -v                 tells which files are read, and where one is damaged
  -f HINTSFILE       the file to write, instead of linker.hints
`;

/** \`modbox kldxref\`: FreeBSD's counterpart of depmod. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.length === 1 && (args[0] === '--help' || args[0] === '-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  return kldxref(
    {
      files: new DiskFiles(''),
      writer: new DiskHints(),
      out: (data) => void process.stdout.write(bytesFor(process.stdout, data)),
      err: printError,
    },
    args,
  );
}
