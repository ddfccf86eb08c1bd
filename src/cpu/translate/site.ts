import type { Insn, MemOperand, Size } from '../decode/instruction.js';
import type { VectorSet } from '../decode/vector-effects.js';
import type { FlagsAtSite } from './flag-state.js';

/**
 * A place where translated code may stop: what the run loop needs to make the register file precise and to
 * find out why. Plain data, so that translations can be stored.
 */
export interface Site {
  readonly kind: SiteKind;
  /** Linear offset of the entry of the function that the site is in. */
  readonly entry: number;
  /** Address of the instruction to resume at, as a signed number. */
  readonly address: number;
  /** Registers to take from the shadow. */
  readonly dirty: number;
  /** Half vector registers to take from their shadow. */
  readonly vectors?: VectorSet;
  readonly flags?: FlagsAtSite;
  /** kind 'memory': the access. */
  readonly memory?: MemOperand;
  readonly write?: boolean;
  /** Bytes that its address must be a multiple of. */
  readonly align?: number;
  /** The check was for more than this access. */
  readonly range?: boolean;
  /** The access is displaced by a bit offset in this register (bt and its kin). */
  readonly bitOffset?: { readonly reg: number; readonly size: Size };
  /** kind 'trap' and 'slow': the instruction. */
  readonly insn?: Insn;
}

export type SiteKind =
  | 'memory'
  /** Out of fuel. */
  | 'budget'
  /** The host stack is deep: go on from the run loop. */
  | 'deep'
  | 'trap'
  /** #DE. */
  | 'divide'
  /** The host goes on with a string instruction. */
  | 'string'
  /** Executed by the slow path. */
  | 'slow'
  /** The stack frame is not all accessible: translate with every stack access checked. */
  | 'frame';
