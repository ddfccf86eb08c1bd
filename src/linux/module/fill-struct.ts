import { list } from '../abi/list.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { hasSeparateMemories } from './this-module.js';

/** Fills the fields of struct module that the loader owns, and puts the module into the kernel's list. */
export function fillStruct(k: LinuxKernel, module: LoadedModule): void {
  const type = k.struct('module');
  const modules = k.get(Modules);
  const { struct } = module;
  for (const head of ['source_list', 'target_list']) list.init(k.space, type.addr(struct, head));
  modules.enlist(module);
  type.setText(struct, 'name', module.name);
  module.hasInit = type.get(struct, 'init') !== 0;
  module.hasExit = type.get(struct, 'exit') !== 0;
  fillTables(k, module);
  modules.syncStruct(module);
}

function fillTables(k: LinuxKernel, module: LoadedModule): void {
  const type = k.struct('module');
  const params = module.section('__param');
  if (params) {
    type.set(module.struct, 'kp', params.address);
    type.set(module.struct, 'num_kp', params.size / k.sizeOf('kernel_param'));
  }
  for (const field of ['version', 'srcversion'] as const) {
    const value = module.modinfo.get(field);
    if (value !== undefined) type.set(module.struct, field, k.constantString(value));
  }
  if (hasSeparateMemories(k)) return;
  for (const part of ['core', 'init'] as const) {
    const memory = module.memory.find(({ init }) => init === (part === 'init'));
    type.set(module.struct, `${part}_layout.base`, memory?.base ?? 0);
    type.set(module.struct, `${part}_layout.size`, memory?.size ?? 0);
  }
}
