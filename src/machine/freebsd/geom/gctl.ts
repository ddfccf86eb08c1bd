import { GEOM_CTL } from '../../../freebsd/geom/ctl.js';
import { UserMemory } from '../../../freebsd/kern/user-memory.js';
import type { FreebsdKernel } from '../../../freebsd/kernel.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { ProcessFiles } from '../shell/process-files.js';

/** What a parameter of a request is: a text, an int, an off_t (intmax_t), or a version (uint32_t). */
export type Parameter =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'int' | 'version' | 'number'; readonly value: number };

/** Room for the text of an error. */
const ERROR_BYTES = 4096;
const GCTL_VERSION = 2;
const BYTES = { int: 4, version: 4, number: 8 } as const;

/** A request to a class, as libgeom makes it: '' where it was done, or the error's text (gctl_issue()). */
export function* issue(
  k: FreebsdKernel,
  vfs: ProcessFiles,
  message: (result: number) => string,
  parameters: ReadonlyMap<string, Parameter>,
): Sleepable<string> {
  const fd = yield* vfs.openAs('/dev/geom.ctl', 'read');
  if (fd < 0) return message(fd);
  const user = k.get(UserMemory);
  const own: number[] = [];
  const keep = (bytes: Uint8Array): number => {
    const at = user.store(bytes);
    own.push(at);
    return at;
  };
  const [req, arg] = [k.struct('gctl_req'), k.struct('gctl_req_arg')];
  const list = user.allocate(arg.size * parameters.size);
  own.push(list);
  let at = list;
  for (const [name, parameter] of parameters) {
    const [key, value] = [cstring(name), bytesOf(parameter)];
    const flags = k.macro('GCTL_PARAM_RD') | (parameter.kind === 'text' ? k.macro('GCTL_PARAM_ASCII') : 0);
    arg.set(at, 'nlen', key.length);
    arg.set(at, 'name', keep(key));
    arg.set(at, 'flag', flags);
    arg.set(at, 'len', value.length);
    arg.set(at, 'value', keep(value));
    at += arg.size;
  }
  const error = keep(new Uint8Array(ERROR_BYTES));
  const request = user.allocate(req.size);
  own.push(request);
  k.space.writable(request, req.size).fill(0);
  req.set(request, 'version', GCTL_VERSION);
  req.set(request, 'narg', parameters.size);
  req.set(request, 'arg', list);
  req.set(request, 'lerror', ERROR_BYTES);
  req.set(request, 'error', error);
  const result = yield* vfs.ioctl(fd, GEOM_CTL, k.space.readable(request, req.size).slice());
  const text = k.space.cstring(error, ERROR_BYTES);
  yield* vfs.close(fd);
  for (const one of own) user.free(one);
  if (result >= 0) return text;
  return text === '' ? message(result) : text;
}

function cstring(text: string): Uint8Array {
  return Uint8Array.from(`${text}\0`, (char) => char.charCodeAt(0));
}

function bytesOf(parameter: Parameter): Uint8Array {
  if (parameter.kind === 'text') return cstring(parameter.value);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(parameter.value), true);
  return bytes.subarray(0, BYTES[parameter.kind]);
}
