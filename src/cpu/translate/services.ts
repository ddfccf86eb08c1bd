import type { CodeWriter } from '../wasm/code-writer.js';
import { Op } from '../wasm/op.js';

/**
 * Functions of the glue module (runtime/linkage.ts) that every unit may call, at fixed slots of the function table. Units do
 * not import them: V8 compiles a wrapper for each signature that a module imports, which takes longer than most units do.
 */
export const SERVICES = {
  host: { slot: 1, type: 1 },
  slow: { slot: 2, type: 2 },
  dispatch: { slot: 3, type: 3 },
  pop: { slot: 4, type: 4 },
  copy: { slot: 5, type: 6 },
  fill: { slot: 6, type: 6 },
  watch: { slot: 7, type: 2 },
  tell: { slot: 8, type: 2 },
  device: { slot: 9, type: 7 },
  deviceWrite: { slot: 10, type: 4 },
} as const;

export type Service = keyof typeof SERVICES;

/** Slots of the table that belong to no code address: slot 0, which is that of address 0, and the services'. */
export const RESERVED_SLOTS = 1 + Object.keys(SERVICES).length;

/** Type index of translated functions: see TYPES in runtime/linkage.ts. */
export const TYPE_GUEST = 0;

/** Calls a service; its arguments are on the stack. */
export function callService(w: CodeWriter, service: Service): void {
  const { slot, type } = SERVICES[service];
  w.i32(slot);
  w.op(Op.callIndirect, type, 0);
}
