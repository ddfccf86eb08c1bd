import type { KldHost, KldTool, Steps } from '../host.js';
import { Program, untilExit } from '../program.js';

const USAGE = 'usage: kldunload [-fv] -i id ...\n       kldunload [-fv] [-n] name ...\n';
/** sysexits(3). */
const EX_USAGE = 64;

/** kldunload(8): unloads files, by name or by id. The first that cannot be is the last. */
export const kldunload: KldTool = (host, args) => untilExit(run(host, args));

function* run<Wait>(host: KldHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const program: Program = new Program('kldunload', host, USAGE, EX_USAGE);
  const given = new Set<string>();
  const files = program.options(args, 'finv', (option) => void given.add(option));
  if (files.length === 0) program.usage();
  const { kernel } = host;
  for (const file of files) {
    const id = given.has('i') ? numericId(program, file) : foundId(program, host, file);
    if (given.has('v')) {
      const stat = kernel.stat(id);
      if ('errno' in stat) program.fail(1, "can't stat file", stat.errno);
      program.out(`Unloading ${stat.value.name}, id=${id}\n`);
    }
    const result = yield* kernel.unload(id, given.has('f'));
    if ('errno' in result) program.fail(1, "can't unload file", result.errno);
  }
  return 0;
}

function foundId<Wait>(program: Program, host: KldHost<Wait>, file: string): number {
  const found = host.kernel.find(file);
  if ('errno' in found) program.errx(1, `can't find file ${file}`);
  return found.value;
}

/** atoi(3); the message has what the program has in optarg, which is nothing. */
function numericId(program: Program, text: string): number {
  const id = Number(/^\s*([-+]?\d+)/.exec(text)?.[1] ?? 0) | 0;
  if (id < 0) program.errx(1, 'Invalid ID (null)');
  return id;
}
