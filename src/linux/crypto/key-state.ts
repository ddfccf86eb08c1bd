import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { TFM_NEED_KEY } from './types.js';

/** Whether a transformation wants a key before it is used (CRYPTO_TFM_NEED_KEY). */
export function wantsKey(k: LinuxKernel, tfm: Ptr): boolean {
  return (k.struct('crypto_tfm').get(tfm, 'crt_flags') & TFM_NEED_KEY) !== 0;
}

/** After setkey: a transformation that refused its key has none. */
export function markKey(k: LinuxKernel, tfm: Ptr, hasKey: boolean): void {
  const type = k.struct('crypto_tfm');
  const flags = type.get(tfm, 'crt_flags');
  type.set(tfm, 'crt_flags', (hasKey ? flags & ~TFM_NEED_KEY : flags | TFM_NEED_KEY) >>> 0);
}
