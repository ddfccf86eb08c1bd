/** modbox's depmod as a program of its own, for tests that kill it; see depmod-bundle.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDepmod } from '../kmod/node/depmod/run-depmod.js';
import { DiskFiles } from '../kmod/node/disk-files.js';

const run = (args: readonly string[]): Promise<number> =>
  runDepmod(
    {
      root: process.env.MODBOX_ROOT ?? '',
      files: new DiskFiles(process.env.MODBOX_ROOT ?? ''),
      environment: process.env,
      release: process.env.MODBOX_UNAME_R ?? '',
      absolute: (path) => join(process.cwd(), path),
      out: (data) => void process.stdout.write(data),
      err: (text) => void process.stderr.write(text),
    },
    args,
  );

const [first, second] = (process.env.ALTERNATE_ORDERS ?? '').split(';');
if (second === undefined) process.exitCode = await run(process.argv.slice(2));
else {
  // Until it is killed: indices of one order of modules and of the other.
  const order = join(process.argv[3], 'lib/modules', process.env.MODBOX_UNAME_R ?? '', 'modules.order');
  process.stdout.write('started\n');
  for (;;) {
    for (const text of [first, second]) {
      writeFileSync(order, text.replaceAll(',', '\n'));
      await run(process.argv.slice(2));
    }
  }
}
