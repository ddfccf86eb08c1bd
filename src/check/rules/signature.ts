import { UNVOUCHED } from '../../linux/security/signature-policy.js';
import type { Untrusted } from '../../trust/index.js';
import type { ErrnoName, Reason } from '../reason.js';
import type { Case } from './rule.js';

const NOBODY = 'nobody the kernel trusts signed it';

/** module_sig_check() of kernel/module/signing.c: whether the kernel looks at the module at all. */
export function* checkSignature(c: Pick<Case, 'kernel' | 'signature'>): Generator<Reason> {
  const { enforced, lockdown } = c.kernel.policy;
  const untrusted = untrustedSignature(c);
  if (!untrusted) return;
  const { code, reason } = untrusted;
  const common = { kind: 'signature', code, effect: 'refused' } as const;
  if (UNVOUCHED[code] === undefined)
    yield { ...common, errno: fatal(code), text: `the signature is refused: ${reason}` };
  else if (enforced)
    yield { ...common, errno: 'EKEYREJECTED', text: `signatures are enforced, and ${NOBODY}: ${reason}` };
  else if (lockdown !== 'none')
    yield { ...common, errno: 'EPERM', text: `lockdown=${lockdown}, and ${NOBODY}: ${reason}` };
}

/** load_module(): a module that nobody vouches for taints, where it gets that far. */
export function* checkUnsigned(c: Case): Generator<Reason> {
  const { enforced, lockdown } = c.kernel.policy;
  const untrusted = untrustedSignature(c);
  if (!untrusted || UNVOUCHED[untrusted.code] === undefined || enforced || lockdown !== 'none') return;
  const { code, reason } = untrusted;
  yield { kind: 'signature', code, effect: 'taints', taint: 'E', text: `${NOBODY}: ${reason}` };
}

function untrustedSignature({
  signature,
  kernel,
}: Pick<Case, 'kernel' | 'signature'>): Untrusted | undefined {
  return kernel.policy.checked && signature && !signature.trusted ? signature : undefined;
}

function fatal(code: Untrusted['code']): ErrnoName {
  // ENODATA is among those that are not fatal.
  return code === 'ENODATA' ? 'EKEYREJECTED' : code;
}
