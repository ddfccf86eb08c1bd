/**
 * Compares kldxref with a real linker.hints: `tsx scripts/freebsd/kldxref-compare.ts DIR [10]`, DIR a /boot/kernel with its
 * linker.hints; 10 for one that kldxref of FreeBSD 10 made. Says which files are only here or only there: their
 * records are left out, all others have to be the same, byte for byte and in the same order.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHintsRecord, type HintsRecord, readLinkerHints } from '../../src/formats/kld/index.js';
import { EDITION_10, EDITION_14 } from '../../src/kld/kldxref/edition.js';
import { kldxref } from '../../src/kld/kldxref/kldxref.js';
import { DiskFiles } from '../../src/kmod/node/disk-files.js';

interface Group {
  readonly file: string;
  readonly bytes: Uint8Array;
}

const [folder, edition] = process.argv.slice(2);
if (!folder) {
  console.error('usage: kldxref-compare.ts DIR [10]');
  process.exit(2);
}
const real = new Uint8Array(readFileSync(join(folder, 'linker.hints')));
const made = make(folder);
console.log(
  `real: ${real.length} bytes; made: ${made.length} bytes; ${same(real, made) ? 'identical' : 'not identical'}`,
);
const theirs = groupsOf(real);
const ours = groupsOf(made);
const onlyThere = names(theirs).filter((name) => !names(ours).includes(name));
const onlyHere = names(ours).filter((name) => !names(theirs).includes(name));
const common = names(theirs).filter((name) => names(ours).includes(name));
console.log(`files with records: ${theirs.length} there, ${ours.length} here, ${common.length} both`);
if (onlyThere.length > 0) console.log(`only there: ${onlyThere.join(' ')}`);
if (onlyHere.length > 0) console.log(`only here: ${onlyHere.join(' ')}`);
const left = joinOf(theirs.filter(({ file }) => common.includes(file)));
const right = joinOf(ours.filter(({ file }) => common.includes(file)));
const whole = writtenWith(
  theirs.filter(({ file }) => onlyThere.includes(file)),
  ours.filter(({ file }) => common.includes(file)),
);
const wrong = theirs.filter(({ file, bytes }) => {
  const other = ours.find((group) => group.file === file);
  return other !== undefined && !same(bytes, other.bytes);
});
console.log(
  `records of the files that both have: ${left.length} bytes, ${same(left, right) ? 'identical, in the same order' : 'DIFFERENT'}`,
);
console.log(
  `with the records of what is only there, sorted: ${whole.length} bytes, ${same(whole, real) ? 'identical' : 'DIFFERENT'}`,
);
for (const { file } of wrong.slice(0, 20)) console.log(`  different: ${file}`);
process.exitCode = same(left, right) && same(whole, real) ? 0 : 1;

function make(directory: string): Uint8Array {
  let result = new Uint8Array(0);
  const status = kldxref(
    {
      files: new DiskFiles(''),
      writer: {
        replace: (_, bytes) => {
          result = new Uint8Array(bytes);
          return 0;
        },
        remove: () => undefined,
      },
      out: (data) => void process.stdout.write(data),
      err: (text) => void process.stderr.write(text),
    },
    [directory],
    edition === '10' ? EDITION_10 : EDITION_14,
  );
  if (status !== 0) console.log(`kldxref: exit status ${status}`);
  return result;
}

/** Records of one file behind each other; a table of devices belongs to the file of the record before it. */
function groupsOf(bytes: Uint8Array): readonly Group[] {
  const groups: { file: string; records: HintsRecord[] }[] = [];
  for (const record of readLinkerHints(bytes, 'linker.hints')) {
    const file = record.kind === 'module' || record.kind === 'version' ? record.file : undefined;
    if (file !== undefined && groups.at(-1)?.file !== file) groups.push({ file, records: [] });
    groups.at(-1)?.records.push(record);
  }
  return groups.map(({ file, records }) => ({
    file,
    bytes: joinOf(records.map((record) => ({ bytes: encodeHintsRecord(record) }))),
  }));
}

/** A linker.hints of groups of both, in the order of kldxref's walk. */
function writtenWith(first: readonly Group[], second: readonly Group[]): Uint8Array {
  const sorted = [...first, ...second].sort((a, b) =>
    Buffer.compare(Buffer.from(a.file), Buffer.from(b.file)),
  );
  return joinOf([{ bytes: Uint8Array.of(1, 0, 0, 0) }, ...sorted]);
}

function names(groups: readonly Group[]): readonly string[] {
  return groups.map(({ file }) => file);
}

function joinOf(groups: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  return new Uint8Array(Buffer.concat(groups.map(({ bytes }) => bytes)));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
