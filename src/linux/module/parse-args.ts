import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_NOTICE, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { EINVAL, ENOENT, ENOSPC, EPERM } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { Lockdown } from '../security/lockdown.js';
import { LoadError } from './load-error.js';
import { OPS_FLAG_NOARG } from './param-ops.js';
import { callSet } from './set-function.js';

const FLAG_UNSAFE = 1;
const FLAG_HWPARAM = 2;

/** One `name=value` of a module's arguments; no value when there was no '='. */
interface Argument {
  readonly name: string;
  readonly value: string | undefined;
}

/** A `__param` entry: struct kernel_param. */
export interface KernelParam {
  readonly name: string;
  readonly address: Ptr;
  readonly permissions: number;
}

/** isspace() of the kernel: blanks of ASCII, and the no-break space of Latin-1. */
const SPACE = /[ \t-\r\xa0]/;

/**
 * Takes the first argument off a string: double quotes keep spaces together and are taken off where the argument or its
 * value begins with one (next_arg of lib/cmdline.c). An '=' as the first character separates nothing.
 */
function nextArgument(text: string): { readonly argument: Argument; readonly rest: string } {
  const quoted = text.startsWith('"');
  const body = quoted ? text.slice(1) : text;
  let inQuotes = quoted;
  let equals = 0;
  let end = 0;
  for (; end < body.length; end++) {
    if (SPACE.test(body[end]) && !inQuotes) break;
    if (equals === 0 && body[end] === '=') equals = end;
    if (body[end] === '"') inQuotes = !inQuotes;
  }
  let word = body.slice(0, end);
  const valueQuoted = equals > 0 && word[equals + 1] === '"';
  if ((quoted || valueQuoted) && word.endsWith('"')) word = word.slice(0, -1);
  const name = equals === 0 ? word : word.slice(0, equals);
  const value = equals === 0 ? undefined : word.slice(equals + (valueQuoted ? 2 : 1));
  return { argument: { name, value }, rest: skipSpaces(body.slice(end)) };
}

function skipSpaces(text: string): string {
  let at = 0;
  while (at < text.length && SPACE.test(text[at])) at++;
  return text.slice(at);
}

/** A module's arguments up to `--`, and what follows it. */
interface ArgumentList {
  readonly found: readonly Argument[];
  /** Undefined where there is no `--`. */
  readonly afterDashes: string | undefined;
}

/** Splits an argument string at spaces; an argument `--` ends it (parse_args of kernel/params.c). */
export function splitArguments(text: string): ArgumentList {
  const found: Argument[] = [];
  for (let left = skipSpaces(text); left !== ''; ) {
    const { argument, rest } = nextArgument(left);
    if (argument.name === '--' && argument.value === undefined) return { found, afterDashes: rest };
    found.push(argument);
    left = rest;
  }
  return { found, afterDashes: undefined };
}

/** Parameter names are equal if they differ in '-' and '_' only (parameq). */
export function sameParameter(a: string, b: string): boolean {
  return a.replaceAll('-', '_') === b.replaceAll('-', '_');
}

/** The parameters that a module declares. */
export function parametersOf(k: LinuxKernel, module: LoadedModule): KernelParam[] {
  const table = module.section('__param');
  if (!table) return [];
  const type = k.struct('kernel_param');
  const found: KernelParam[] = [];
  for (let at = table.address; at + type.size <= table.address + table.size; at += type.size) {
    found.push({ name: type.string(at, 'name'), address: at, permissions: type.get(at, 'perm') });
  }
  return found;
}

/**
 * Sets a module's parameters from its argument string (parse_args of kernel/params.c): to the end, whatever is wrong with
 * some. Throws LoadError with the last error.
 */
export function* parseArguments(k: LinuxKernel, module: LoadedModule, text: string): Sleepable<void> {
  const parameters = parametersOf(k, module);
  const { found, afterDashes } = splitArguments(text);
  let failure: { readonly result: number; readonly line: string } | undefined;
  for (const argument of found) {
    const parameter = parameters.find((candidate) => sameParameter(candidate.name, argument.name));
    if (!parameter) {
      sayUnknown(k, module, argument.name);
      continue;
    }
    const { result, left } = yield* applyParameter(k, module, parameter, argument.value);
    if (result === 0) continue;
    const line = `${module.name}: ${complaint(argument.name, left ?? '', result)}`;
    k.log.line(line, LOGLEVEL_ERR);
    failure = { result, line };
  }
  if (failure && failure.result < 0) throw new LoadError(-failure.result, failure.line);
  // What is no error number is taken for the place behind a `--`, which cannot be read.
  const ignored = failure ? '(efault)' : afterDashes;
  if (ignored !== undefined)
    k.log.line(`${module.name}: parameters '${ignored}' after \`--' ignored`, LOGLEVEL_WARNING);
}

function complaint(name: string, value: string, result: number): string {
  if (result === -ENOENT) return `Unknown parameter \`${name}'`;
  const what = result === -ENOSPC ? 'too large' : 'invalid';
  return `\`${value}' ${what} for parameter \`${name}'`;
}

/** unknown_module_param_cb(): options of the loader itself; a name with a point is looked at in its two parts. */
function sayUnknown(k: LinuxKernel, module: LoadedModule, name: string): void {
  if (name === 'async_probe') return;
  const point = name.indexOf('.');
  if (name.slice(point + 1) === 'dyndbg') return;
  const shown = point < 0 ? name : name.slice(0, point);
  k.log.line(`${module.name}: unknown parameter '${shown}' ignored`, LOGLEVEL_WARNING);
}

/** Calls a parameter's set function; the kernel's result. */
export function* setParameter(
  k: LinuxKernel,
  module: LoadedModule,
  parameter: KernelParam,
  value: string | undefined,
): Sleepable<number> {
  return (yield* applyParameter(k, module, parameter, value)).result;
}

/** The result, and what the set function has left of the value: that of an array cuts it at its commas. */
function* applyParameter(
  k: LinuxKernel,
  module: LoadedModule,
  parameter: KernelParam,
  value: string | undefined,
): Sleepable<{ readonly result: number; readonly left: string | undefined }> {
  const type = k.struct('kernel_param');
  const ops = k.struct('kernel_param_ops');
  const table = type.get(parameter.address, 'ops');
  if (value === undefined && (ops.get(table, 'flags') & OPS_FLAG_NOARG) === 0)
    return { result: -EINVAL, left: value };
  const flags = type.get(parameter.address, 'flags');
  if (flags & FLAG_HWPARAM && k.get(Lockdown).forbids('unsafe module parameters'))
    return { result: -EPERM, left: value };
  if (flags & FLAG_UNSAFE) {
    const what = `dangerous option ${parameter.name}`;
    k.log.line(`Setting ${what} - tainting kernel`, LOGLEVEL_NOTICE);
    k.traps.taint.add('USER', `its ${what} was set`, module.name);
  }
  if (value === undefined) return { result: yield* callSet(k, table, 0, parameter.address), left: value };
  const buffer = k.slab.allocateBytes(value.length + 1, false);
  k.space.storeCstring(buffer, value);
  const result = yield* callSet(k, table, buffer, parameter.address);
  const left = k.space.cstring(buffer);
  k.slab.free(buffer);
  return { result, left };
}

/** destroy_params(): gives back what the parameters' values hold. */
export function* destroyParameters(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const type = k.struct('kernel_param');
  const ops = k.struct('kernel_param_ops');
  for (const { address } of parametersOf(k, module)) {
    const table = type.get(address, 'ops');
    if (ops.get(table, 'free') !== 0) yield* ops.call(table, 'free', type.get(address, 'arg'));
  }
}
