import { sameMagic } from '../../linux/module/vermagic.js';
import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

/** What the words of a version magic stand for (include/linux/vermagic.h). */
const WORDS: Readonly<Record<string, string>> = {
  SMP: 'CONFIG_SMP',
  preempt: 'CONFIG_PREEMPT_BUILD',
  preempt_rt: 'CONFIG_PREEMPT_RT',
  mod_unload: 'CONFIG_MODULE_UNLOAD',
  modversions: 'CONFIG_MODVERSIONS',
};

/** The version magic (same_magic() of kernel/module/version.c). */
export function* checkVermagic({ content, kernel }: Case): Generator<Reason> {
  const magic = content.modinfo.get('vermagic');
  const wanted = kernel.target.vermagic;
  const facts = { kind: 'vermagic', module: magic, kernel: wanted } as const;
  if (magic === undefined) {
    if (kernel.target.config.get('CONFIG_MODULE_FORCE_LOAD') === 'y')
      yield {
        ...facts,
        effect: 'taints',
        taint: 'F',
        text: 'it has no version magic, and is loaded by force',
      };
    else yield { ...facts, effect: 'refused', errno: 'ENOEXEC', text: 'it has no version magic in .modinfo' };
    return;
  }
  const versioned = content.versions !== undefined;
  if (sameMagic(magic, wanted, versioned)) return;
  yield {
    ...facts,
    effect: 'refused',
    errno: 'ENOEXEC',
    text: `built for '${magic.trim()}', this kernel is '${wanted.trim()}'${explained(magic, wanted, versioned)}`,
  };
}

function explained(magic: string, wanted: string, versioned: boolean): string {
  const [release, ...words] = magic.trim().split(' ');
  const [kernelRelease, ...kernelWords] = wanted.trim().split(' ');
  const parts = [
    ...words
      .filter((word) => !kernelWords.includes(word))
      .map((word) => `the kernel is without ${named(word)}`),
    ...kernelWords
      .filter((word) => !words.includes(word))
      .map((word) => `the module is without ${named(word)}`),
  ];
  if (release !== kernelRelease && !versioned)
    parts.push('without symbol versions in the module the release has to be the same');
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`;
}

function named(word: string): string {
  return WORDS[word] ? `${word} (${WORDS[word]})` : word;
}
