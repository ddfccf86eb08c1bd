import type { Ptr } from '../../cpu/layout.js';

/** What a report is about. */
export type FaultKind =
  | 'null-dereference'
  | 'page-fault'
  | 'execute-fault'
  | 'write-protected'
  | 'stack-overflow'
  | 'general-protection'
  | 'invalid-opcode'
  | 'divide-error'
  | 'exception'
  | 'panic'
  | 'deadlock'
  | 'sleep-in-atomic'
  | 'lock-misuse'
  | 'lock-order'
  | 'double-free'
  | 'bad-free'
  | 'out-of-bounds'
  | 'use-after-free'
  | 'left-behind'
  | 'soft-lockup'
  | 'hung'
  | 'endless'
  | 'timeout'
  | 'out-of-memory'
  | 'unimplemented-export'
  | 'unimplemented-instruction'
  | 'absent-variable'
  | 'internal';

/** panic(9): the kernel stops. */
export class Panic extends Error {
  override readonly name = 'Panic';

  constructor(
    message: string,
    readonly kind: FaultKind = 'panic',
    readonly address: Ptr = 0,
  ) {
    super(message);
  }
}
