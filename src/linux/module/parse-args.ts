import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOSPC, EPERM } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Lockdown } from '../security/lockdown.js';
import { LoadError } from './load-error.js';
import type { LoadedModule } from './loaded-module.js';

const FLAG_UNSAFE = 1;
const FLAG_HWPARAM = 2;
const OPS_FLAG_NOARG = 1;

/** One `name=value` of a module's arguments; no value when there was no '='. */
export interface Argument {
  readonly name: string;
  readonly value: string | undefined;
}

/** A `__param` entry: struct kernel_param. */
export interface KernelParam {
  readonly name: string;
  readonly address: Ptr;
  readonly permissions: number;
}

/**
 * Splits an argument string at spaces; double quotes keep spaces together and are taken off (next_arg of
 * lib/cmdline.c).
 */
export function splitArguments(text: string): Argument[] {
  const found: Argument[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at])) {
      at++;
      continue;
    }
    const start = at;
    let quoted = false;
    while (at < text.length && (quoted || !/\s/.test(text[at]))) {
      if (text[at] === '"') quoted = !quoted;
      at++;
    }
    found.push(splitOne(text.slice(start, at)));
  }
  return found;
}

function splitOne(word: string): Argument {
  const whole = word.startsWith('"') ? word.slice(1).replace(/"$/, '') : word;
  const equals = whole.indexOf('=');
  if (equals < 0) return { name: whole, value: undefined };
  const value = whole.slice(equals + 1);
  return {
    name: whole.slice(0, equals),
    value: value.startsWith('"') ? value.slice(1).replace(/"$/, '') : value,
  };
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

/** Sets a module's parameters from its argument string (parse_args of kernel/params.c). */
export function* parseArguments(k: LinuxKernel, module: LoadedModule, text: string): Sleepable<void> {
  const parameters = parametersOf(k, module);
  for (const { name, value } of splitArguments(text)) {
    const parameter = parameters.find((candidate) => sameParameter(candidate.name, name));
    if (!parameter) {
      if (!isLoaderOption(name)) k.log.line(`${module.name}: unknown parameter '${name}' ignored`, 4);
      continue;
    }
    const { result, left } = yield* applyParameter(k, module, parameter, value);
    if (result < 0) throw refused(k, module, name, left, -result);
  }
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
    k.log.line(`Setting ${what} - tainting kernel`, 5);
    k.traps.taint.add('USER', `its ${what} was set`, module.name);
  }
  const set = ops.get(table, 'set');
  if (value === undefined) return { result: yield* k.callInt(set, 0, parameter.address), left: value };
  const buffer = k.slab.kmalloc(value.length + 1, false);
  k.space.storeCstring(buffer, value);
  const result = yield* k.callInt(set, buffer, parameter.address);
  const left = k.space.cstring(buffer);
  k.slab.free(buffer);
  return { result, left };
}

/** destroy_params(): gives back what the parameters' values hold. */
export function* destroyParameters(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const type = k.struct('kernel_param');
  for (const { address } of parametersOf(k, module)) {
    const free = k.struct('kernel_param_ops').get(type.get(address, 'ops'), 'free');
    if (free !== 0) yield* k.call(free, type.get(address, 'arg'));
  }
}

/** Options of the loader itself that every module takes. */
function isLoaderOption(name: string): boolean {
  return name === 'async_probe' || name === 'dyndbg';
}

function refused(
  k: LinuxKernel,
  module: LoadedModule,
  name: string,
  value: string | undefined,
  errno: number,
): LoadError {
  const shown = value ?? '';
  const line =
    errno === ENOSPC
      ? `${module.name}: \`${shown}' too large for parameter \`${name}'`
      : `${module.name}: \`${shown}' invalid for parameter \`${name}'`;
  k.log.line(line, 3);
  return new LoadError(errno, line);
}
