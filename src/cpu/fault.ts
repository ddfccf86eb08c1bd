/** What a memory access wanted to do. */
export type Access = 'read' | 'write' | 'execute';

/**
 * A guest memory access that the page permissions do not allow (#PF), raised by TypeScript code that touches
 * guest memory. Faults of machine code are not thrown: Cpu.run returns them.
 */
export class GuestFault extends Error {
  override readonly name = 'GuestFault';

  constructor(
    /** The 64-bit guest address, as close as it is known. */
    readonly address: bigint,
    readonly access: Access,
    /** Bytes of the access. */
    readonly size: number,
  ) {
    super(`guest ${access} of ${size} bytes at 0x${address.toString(16)}`);
  }
}

/** TypeScript code made so many accesses to guest memory in one go that it does not look as if it would ever end. */
export class EndlessWork extends Error {
  override readonly name = 'EndlessWork';

  constructor(readonly accesses: number) {
    super(`${accesses} accesses to guest memory without a pause`);
  }
}
