import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  BUNDLED_FREEBSD,
  DiskFiles,
  type FreebsdTarget,
  isFreebsdElf,
  KldChecker,
  kldCheckJson,
  kldVerdictText,
  loadBundled,
  readGiven,
  TargetStore,
  UsageError,
} from '../../index.js';

/** What `modbox check` was given. */
export interface KldCheckFlags {
  readonly target?: readonly string[] | undefined;
  readonly root?: string | undefined;
  readonly tree?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The FreeBSD that klds are to be checked against: by `--target`, or by the first file. Undefined where that is Linux's. */
export function freebsdToCheck(
  words: readonly string[],
  { target = [], tree }: KldCheckFlags,
): FreebsdTarget | undefined {
  if (target.length > 0) {
    const found = target.flatMap((name) =>
      name.startsWith('freebsd/') ? [new TargetStore().get(name)] : [],
    );
    const [first] = found;
    if (first === undefined) return undefined;
    if (target.length > 1) throw new UsageError('check: klds are checked against one kernel at a time');
    return first.os === 'freebsd' ? first : undefined;
  }
  const first = words[0] ?? (tree === undefined ? undefined : join(tree, 'boot/kernel'));
  const file = first === undefined || !existsSync(first) ? undefined : klds(first)[0];
  const isOurs = file !== undefined && isFreebsdElf(readGiven(file));
  return isOurs ? loadBundled(BUNDLED_FREEBSD) : undefined;
}

/** `modbox check` of klds: the status to leave with. */
export function checkKlds(target: FreebsdTarget, words: readonly string[], flags: KldCheckFlags): number {
  const root = flags.root ?? flags.tree;
  const folders = root === undefined ? [] : [join(root, 'boot/kernel'), join(root, 'boot/modules')];
  const files = words.flatMap((word) => filesOf(word, folders));
  if (flags.tree !== undefined) files.push(...folders.filter((folder) => existsSync(folder)).flatMap(klds));
  if (files.length === 0) throw new UsageError('check: no klds are there');
  const searched = root === undefined ? [...new Set(files.map((file) => dirname(file)))] : folders;
  const checker = new KldChecker(target, new DiskFiles(''), searched);
  const verdicts = [...new Set(files)].map((file) => checker.verdict(file));
  process.stdout.write(flags.json ? kldCheckJson(verdicts) : kldVerdictText(verdicts));
  return verdicts.every(({ loads }) => loads) ? 0 : 1;
}

function filesOf(word: string, folders: readonly string[]): readonly string[] {
  if (existsSync(word)) return klds(word);
  const name = word.endsWith('.ko') ? word : `${word}.ko`;
  const found = word.includes('/')
    ? undefined
    : folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new UsageError(`check: ${word}: no such file`);
  return [found];
}

/** A file, or the klds of a directory. */
function klds(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.ko'));
  return names.sort().map((name) => join(path, name));
}
