import { Btf } from '../../formats/btf/index.js';
import { FormatError } from '../../formats/format-error.js';
import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

/** The module's types: btf_module_notify() of kernel/bpf/btf.c warns of damaged ones, and may refuse the module. */
export function* checkBtf({ module, content, kernel }: Case): Generator<Reason> {
  const { config } = kernel.target;
  if (!content.btf || content.btf.length === 0 || config.get('CONFIG_DEBUG_INFO_BTF_MODULES') !== 'y') return;
  const problem = problemOf(kernel.target.types, content.btf, module.file);
  if (problem === undefined) return;
  const line = `failed to validate module [${module.name}] BTF: -22`;
  const text = `its .BTF is damaged, or not made for this kernel: ${problem}`;
  if (config.get('CONFIG_MODULE_ALLOW_BTF_MISMATCH') === 'y')
    yield { kind: 'btf', line, effect: 'note', text };
  else yield { kind: 'btf', line, effect: 'refused', errno: 'EINVAL', text };
}

function problemOf(base: Btf, bytes: Uint8Array, file: string): string | undefined {
  try {
    Btf.parseSplit(base, bytes, file).validate();
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}
