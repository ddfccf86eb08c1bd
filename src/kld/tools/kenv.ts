import { ENOENT } from '../../freebsd/errno.js';
import type { KldHost, KldTool } from '../host.js';
import { atOnce, Program, untilExit } from '../program.js';

const USAGE =
  'usage: kenv [-l|-s] [-hNq]\n       kenv [-qv] variable[=value]\n       kenv [-q] -u variable\n';
/** What main() returns where a call fails is -1. */
const FAILED = 255;

/** kenv(1): shows and changes the kernel's environment. */
export const kenv: KldTool = (host, args) => untilExit(atOnce(() => run(host, args)));

function run<Wait>(host: KldHost<Wait>, args: readonly string[]): number {
  const program = new Program('kenv', host, USAGE);
  const given = new Set<string>();
  const operands = program.options(args, 'hlNqsuv', (option) => void given.add(option));
  const has = (...options: readonly string[]): boolean => options.some((option) => given.has(option));
  const [operand] = operands;
  if (has('h', 'l', 'N', 's') && operand !== undefined) program.usage();
  if (operands.length > 1 || (has('u', 'v') && operand === undefined)) program.usage();
  if (has('l') && has('s')) program.usage();
  if (operand === undefined) return dump(program, host, given);
  const environment = host.kernel.environment;
  const equals = operand.indexOf('=');
  const name = equals < 0 ? operand : operand.slice(0, equals);
  const tell = (text: string): number => {
    if (!has('q')) program.warnx(text);
    return FAILED;
  };
  if (equals >= 0) {
    const value = operand.slice(equals + 1);
    const result = environment.set(name, value);
    if ('errno' in result) return tell(`unable to set ${name} to ${value}`);
    program.out(`${name}="${value}"\n`);
    return 0;
  }
  if (has('u')) return 'errno' in environment.unset(name) ? tell(`unable to unset ${name}`) : 0;
  const result = environment.get(name);
  if ('errno' in result) return tell(`unable to get ${name}`);
  program.out(has('v') ? `${name}="${result.value}"\n` : `${result.value}\n`);
  return 0;
}

function dump<Wait>(program: Program, host: KldHost<Wait>, given: ReadonlySet<string>): number {
  const what = given.has('l') ? 'loader' : given.has('s') ? 'static' : 'dynamic';
  const result = host.kernel.environment.dump(what);
  if ('errno' in result) {
    if (!given.has('q')) {
      if (result.errno === ENOENT) program.warnx('requested environment is unavailable');
      else program.warn('kdumpenv', result.errno);
    }
    return FAILED;
  }
  for (const [name, value] of result.value) {
    if (given.has('h') && !name.startsWith('hint.')) continue;
    program.out(given.has('N') ? `${name}\n` : `${name}="${value}"\n`);
  }
  return 0;
}
