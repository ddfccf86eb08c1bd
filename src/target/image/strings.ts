import type { ElfFile } from '../../formats/elf/index.js';
import { decodeUtf8 } from '../../formats/string-table.js';

/**
 * linux_banner, without its newline: the string that starts the log. An image holds two, that of the first link
 * (init/version.c, without a build number) and the one in use (init/version-timestamp.c).
 */
export function readBanner(elf: ElfFile): string | undefined {
  const banners = findStrings(elf, 'Linux version ').filter(
    (text) => /^Linux version \S+ \(/.test(text) && !text.includes('%'),
  );
  return (banners.find((text) => / #\d/.test(text)) ?? banners[0])?.trimEnd();
}

/** The release in a banner, what `uname -r` says. */
export function releaseOf(banner: string): string {
  return banner.split(' ')[2] ?? '';
}

/** VERMAGIC_STRING (include/linux/vermagic.h), which the module loader has a copy of. */
export function readVermagic(elf: ElfFile, release: string): string | undefined {
  return findStrings(elf, `${release} `).find((text) =>
    /^\S+ ((SMP|preempt|preempt_rt|mod_unload|modversions|\S*_\S*) )*$/.test(text),
  );
}

/** VERMAGIC_STRING put together from the configuration, as include/linux/vermagic.h does it for x86-64. */
export function composeVermagic(release: string, config: ReadonlyMap<string, string>): string {
  const words = [
    [release, true],
    ['SMP', config.has('CONFIG_SMP')],
    ['preempt', config.has('CONFIG_PREEMPT_BUILD')],
    ['preempt_rt', config.has('CONFIG_PREEMPT_RT')],
    ['mod_unload', config.has('CONFIG_MODULE_UNLOAD')],
    ['modversions', config.has('CONFIG_MODVERSIONS')],
  ] as const;
  return words.map(([word, present]) => (present ? `${word} ` : '')).join('');
}

/** The NUL-terminated strings of the read-only data that begin with `start`. */
function findStrings(elf: ElfFile, start: string): string[] {
  const wanted = new TextEncoder().encode(start);
  const found: string[] = [];
  for (const { name, data } of elf.sections) {
    if (!/^\.(init\.)?(rodata|data)/.test(name)) continue;
    for (let at = findBytes(data, wanted, 0); at >= 0; at = findBytes(data, wanted, at + 1)) {
      const end = data.indexOf(0, at);
      if (end >= 0 && end - at < 1024 && (at === 0 || data[at - 1] === 0))
        found.push(decodeUtf8(data.subarray(at, end)));
    }
  }
  return found;
}

/** The first place of `wanted` in `data` at or after `from`, or -1. */
export function findBytes(data: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = data.indexOf(wanted[0], from); at >= 0; at = data.indexOf(wanted[0], at + 1)) {
    let i = 1;
    while (i < wanted.length && data[at + i] === wanted[i]) i++;
    if (i === wanted.length) return at;
  }
  return -1;
}
