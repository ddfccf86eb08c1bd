import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

const KIND = 'module-struct';

function refused(text: string): Reason {
  return { kind: KIND, exact: false, effect: 'refused', errno: 'ENOEXEC', text };
}

/** `.gnu.linkonce.this_module` against the kernel's struct module: its size, and where it looks for init and exit. */
export function* checkModuleStruct({ content, kernel }: Case): Generator<Reason> {
  const { types } = kernel.target;
  const { struct } = content;
  const size = types.sizeOf('struct module');
  // Kernels without core_layout demand their own size; older ones read beyond what is too small.
  const exact = kernel.hasSeparateMemories;
  if (struct.size !== size && (exact || (struct.size < size && !kernel.lenient))) {
    yield {
      kind: KIND,
      exact,
      effect: 'refused',
      errno: 'ENOEXEC',
      text: `struct module has ${struct.size} bytes in it and ${size} in this kernel: built for another kernel or configuration`,
    };
  }
  if (!struct.inFile)
    yield refused('its struct module has no bytes in the file: it would have neither a name nor functions');
  if (!struct.writable)
    yield refused(
      'its struct module lies in memory that is only read: the kernel could not keep its state there',
    );
  const name = types.findField('struct module', 'name')?.offset;
  if (name !== undefined && struct.data[name] === 0)
    yield {
      kind: KIND,
      exact: false,
      effect: 'refused',
      errno: 'EINVAL',
      text: 'its struct module has an empty name',
    };
  const nameType = types.findField('struct module', 'name')?.type;
  if (name !== undefined && nameType !== undefined) {
    const bytes = struct.data.subarray(name, name + types.sizeOf(nameType));
    if (bytes.length > 0 && !bytes.includes(0))
      yield refused('the name in its struct module has no end: the kernel stumbles over it');
  }
  for (const member of ['init', 'exit'] as const) {
    const place = struct[member];
    const offset = types.findField('struct module', member)?.offset;
    if (place === undefined || offset === undefined || place === offset) continue;
    yield refused(
      `its struct module has ${member} at ${place} and this kernel looks for it at ${offset}: the function would never be called`,
    );
  }
}
