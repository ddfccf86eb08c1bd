import { isGplCompatible } from '../../linux/module/license.js';
import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

/** What check_modinfo() of kernel/module/main.c says of where a module is from: out of tree, staging, test, livepatch. */
export function* checkOrigin({ content, kernel }: Case): Generator<Reason> {
  const { modinfo } = content;
  const { config } = kernel.target;
  if (modinfo.get('intree') === undefined)
    yield {
      kind: 'origin',
      effect: 'taints',
      taint: 'O',
      text: 'built out of the kernel tree',
    };
  const retpoline = config.has('CONFIG_RETPOLINE') || config.has('CONFIG_MITIGATION_RETPOLINE');
  if (retpoline && modinfo.get('retpoline') === undefined)
    yield {
      kind: 'retpoline',
      effect: 'note',
      text: 'built without retpolines: it can be used to attack the kernel (Spectre variant 2)',
    };
  if (modinfo.get('staging') !== undefined)
    yield {
      kind: 'origin',
      effect: 'taints',
      taint: 'C',
      text: 'from the staging directory',
    };
  if (modinfo.get('livepatch') !== undefined) yield livepatch(config.has('CONFIG_LIVEPATCH'));
  if (modinfo.get('test') !== undefined)
    yield {
      kind: 'origin',
      effect: 'taints',
      taint: 'N',
      text: 'a test module',
    };
}

function livepatch(supported: boolean): Reason {
  if (supported)
    return {
      kind: 'livepatch',
      effect: 'taints',
      taint: 'K',
      text: 'it patches the running kernel',
    };
  return {
    kind: 'livepatch',
    effect: 'refused',
    errno: 'ENOEXEC',
    text: 'it patches the running kernel, and this one has no CONFIG_LIVEPATCH',
  };
}

/** set_license(): what is no GPL-compatible licence, as the kernel spells them, taints as proprietary. */
export function* checkLicense(c: Case): Generator<Reason> {
  const license = c.content.modinfo.get('license') ?? 'unspecified';
  const hiddenLicense = c.kernel.lenient ? undefined : c.content.hiddenLicense;
  if (!isProprietary(c)) return;
  const why =
    hiddenLicense === undefined
      ? `its licence '${license}' is none that the kernel counts as GPL-compatible`
      : `its licence '${license}' has a NUL and '${hiddenLicense}' behind it: taken for proprietary`;
  yield {
    kind: 'license',
    license,
    effect: 'taints',
    taint: 'P',
    text: `${why}: symbols that are for GPL modules are not there for it`,
  };
}

export function isProprietary({ content, kernel }: Pick<Case, 'content' | 'kernel'>): boolean {
  const hides = content.hiddenLicense !== undefined && !kernel.lenient;
  return !isGplCompatible(content.modinfo.get('license')) || hides;
}
