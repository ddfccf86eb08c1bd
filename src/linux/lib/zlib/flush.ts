import {
  Z_BLOCK,
  Z_FINISH,
  type Z_FlushMode,
  Z_FULL_FLUSH,
  Z_NO_FLUSH,
  Z_PARTIAL_FLUSH,
  Z_SYNC_FLUSH,
} from 'pako';
import { Unimplemented } from '../../../kernel/errors.js';

/** Ends a packet of PPP (RFC 1979): only the kernel's zlib has it. */
const PACKET_FLUSH = 2;

/** zlib's flush modes by the numbers of include/linux/zlib.h, which are others. */
const MODES: Readonly<Record<number, Z_FlushMode>> = {
  0: Z_NO_FLUSH,
  1: Z_PARTIAL_FLUSH,
  3: Z_SYNC_FLUSH,
  4: Z_FULL_FLUSH,
  5: Z_FINISH,
  6: Z_BLOCK,
};

/** Undefined for what is no mode. */
export function flushMode(kernel: number): Z_FlushMode | undefined {
  if (kernel === PACKET_FLUSH) throw new Unimplemented('zlib with Z_PACKET_FLUSH', '');
  return MODES[kernel];
}
