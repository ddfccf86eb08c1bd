import { UNVOUCHED } from '../../linux/security/signature-policy.js';
import type { Untrusted } from '../../trust/index.js';
import type { ErrnoName, Reason } from '../reason.js';
import type { Case } from './rule.js';

/** module_sig_check() of kernel/module/signing.c, under the policy that the kernel is booted with. */
export function* checkSignature({ signature, kernel, module }: Case): Generator<Reason> {
  const { checked, enforced, lockdown } = kernel.policy;
  if (!checked || !signature || signature.trusted) return;
  const { code, reason } = signature;
  const common = { kind: 'signature', code } as const;
  const kind = UNVOUCHED[code];
  if (kind === undefined) {
    yield {
      ...common,
      effect: 'refused',
      errno: fatal(signature),
      text: `the signature is refused: ${reason}`,
    };
    return;
  }
  if (enforced) {
    const text = `signatures are enforced, and nobody the kernel trusts signed it: ${reason}`;
    yield {
      ...common,
      effect: 'refused',
      errno: 'EKEYREJECTED',
      text,
      log: `Loading of ${kind} is rejected`,
    };
    return;
  }
  if (lockdown !== 'none') {
    const text = `lockdown=${lockdown}, and nobody the kernel trusts signed it: ${reason}`;
    const log = 'Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7';
    yield { ...common, effect: 'refused', errno: 'EPERM', text, log };
    return;
  }
  yield {
    ...common,
    effect: 'taints',
    taint: 'E',
    text: `nobody the kernel trusts signed it: ${reason}`,
    log: `${module.name}: module verification failed: signature and/or required key missing - tainting kernel`,
  };
}

function fatal({ code }: Untrusted): ErrnoName {
  // ENODATA is among those that are not fatal.
  return code === 'ENODATA' ? 'EKEYREJECTED' : code;
}
