import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

const KIND = 'module-struct';

/** `.gnu.linkonce.this_module` against the kernel's struct module: its size, and where it looks for init and exit. */
export function* checkModuleStruct({ content, kernel }: Case): Generator<Reason> {
  const { types } = kernel.target;
  const { struct } = content;
  const size = types.sizeOf('struct module');
  // Kernels without core_layout demand their own size; older ones read beyond what is too small.
  const exact = types.findField('struct module', 'core_layout') === undefined;
  if (struct.size !== size && (exact || (struct.size < size && !kernel.lenient))) {
    yield {
      kind: KIND,
      exact,
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `struct module has ${struct.size} bytes in it and ${size} in this kernel: built for another kernel or configuration`,
    };
  }
  const name = types.findField('struct module', 'name')?.offset;
  if (name !== undefined && struct.data[name] === 0)
    yield {
      kind: KIND,
      exact: false,
      effect: 'refused',
      errno: 'EINVAL',
      text: 'its struct module has an empty name',
    };
  for (const member of ['init', 'exit'] as const) {
    const place = struct[member];
    const offset = types.findField('struct module', member)?.offset;
    if (place === undefined || offset === undefined || place === offset) continue;
    yield {
      kind: KIND,
      exact: false,
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `its struct module has ${member} at ${place} and this kernel looks for it at ${offset}: the function would never be called`,
    };
  }
}
