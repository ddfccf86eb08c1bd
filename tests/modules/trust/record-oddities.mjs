#!/usr/bin/env node
// Asks the real kernel what it makes of the files of oddities.mjs, and writes that down in oddities.json: hundreds in one boot.
//
//   node record-oddities.mjs [NAME...]      (those that are not in oddities.json yet by default)
//
// Each file's struct module has a name of its own, so that one at which the kernel stumbles does not hold up the next; in what is
// written down it is `trustme`. Needs what ../record.mjs needs.
//
// A line of oddities.json: `exit` and `stderr` of insmod, `dmesg` without time stamps, `module` its line in /proc/modules without
// address, `sections` what is in /sys/module/NAME/sections and notes. `dies`: the kernel oopsed, hung or went on in what was destroyed.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { offsetOf } from './edit.mjs';
import { ALONE, ONCE, oddities } from './oddities.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const oracle = process.env.MODBOX_REAL_KERNEL ?? join(here, '../../../../shared/oracle/real-kernel.sh');
const result = join(here, 'oddities.json');
const work = mkdtempSync(join(tmpdir(), 'modbox-oddities-'));
const file = readFileSync(join(here, 'trustme.ko'));
/** Where the name is in struct module. */
const THIS_NAME_AT = offsetOf(file, '.gnu.linkonce.this_module') + 0x18;

/** trustme.ko under another name of seven letters. */
function named(i) {
  const bytes = Buffer.from(file);
  bytes.write(`odd${String(i).padStart(4, '0')}`, THIS_NAME_AT, 'latin1');
  return bytes;
}
const names = Object.keys(oddities(() => file));
const bytesOf = (name) => oddities(() => named(names.indexOf(name)))[name]();

// Ends a guest that says nothing more: QEMU alone would wait.
const bin = join(work, 'bin');
mkdirSync(bin);
const qemu = spawnSync('which', ['qemu-system-x86_64'], { encoding: 'utf8' }).stdout.trim();
writeFileSync(join(bin, 'qemu-system-x86_64'), `#!/bin/bash
f=$(mktemp -u); mkfifo $f
'${qemu}' "$@" </dev/null > $f &
pid=$!
trap "kill $pid 2>/dev/null" TERM EXIT
while IFS= read -t 60 -r line; do printf '%s\\n' "$line"; case $line in *"end Kernel panic"*) break;; esac; done < $f
kill $pid 2>/dev/null; rm -f $f
`);
chmodSync(join(bin, 'qemu-system-x86_64'), 0o755);

const script = `
cd /mods/files
/sbin/insmod base.ko; rmmod trustme
# What is said once a boot is said by these.
[ -e once1.ko ] && for m in once1 once2; do /sbin/insmod $m.ko; read -r x rest < /proc/modules; rmmod "$x"; done
dmesg -c >/dev/null
for m in $(cat list); do
  echo "@@case $m"
  /sbin/insmod $m.ko >/tmp/o 2>&1 & p=$!; n=0
  while kill -0 $p 2>/dev/null && [ $n -lt 40 ]; do usleep 50000; n=$((n+1)); done
  if kill -0 $p 2>/dev/null; then c=hangs; else wait $p; c=$?; fi
  echo "@@exit $c"; sed 's/^/@@err /' /tmp/o
  dmesg -c | grep -vE '^\\[ *[0-9.]+\\] ( \\? |Code|RSP|RAX|RDX|RBP|R10|R13|FS|CS|CR2|PKRU|RIP: 0033)' | head -90 | sed 's/^/@@log /'
  [ "$c" = 0 ] && sed 's/^/@@mod /;q' /proc/modules
  read -r x rest < /proc/modules
  [ "$c" = 0 ] && echo "@@sect $(ls "/sys/module/$x/notes" "/sys/module/$x/sections" 2>/dev/null | sed "s|/sys/module/.*/\\([a-z]*:\\)\$|\\1|" | tr '\\n' ' ')"
  [ "$c" = 0 ] && /sbin/rmmod "$x" 2>/dev/null
  dmesg -c >/dev/null
  echo "@@over"
done
`;

/** Boots with these files; what became of each that the guest got to. */
function ask(wanted) {
  const files = join(work, 'files');
  rmSync(files, { recursive: true, force: true });
  mkdirSync(files);
  for (const name of wanted) writeFileSync(join(files, `${name}.ko`), bytesOf(name));
  writeFileSync(join(files, 'list'), `${wanted.join('\n')}\n`);
  writeFileSync(join(files, 'base.ko'), file);
  if (!wanted.some((name) => ALONE.has(name)))
    ONCE.forEach((name, i) => writeFileSync(join(files, `once${i + 1}.ko`), bytesOf(name)));
  writeFileSync(join(work, 'script'), script);
  const { stdout } = spawnSync(oracle, [join(work, 'script'), files], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, REAL_KERNEL_TIMEOUT: '900', REAL_KERNEL_ARGS: 'nokaslr no5lvl tsc_early_khz=1000000 lpj=2000000 no_timer_check' },
  });
  return Object.fromEntries(stdout.split(/^@@case /m).slice(1).map((part) => {
    const [name, ...lines] = part.replace(/odd\d{4}/g, 'trustme').split('\n');
    const of = (mark) => lines.filter((line) => line.startsWith(`@@${mark} `)).map((line) => line.slice(mark.length + 3));
    const [exit] = of('exit');
    if (!lines.includes('@@over') || (exit !== '0' && exit !== '1')) return [name, { dies: true }];
    const dmesg = of('log').map((line) => line.replace(/^\[ *\d+\.\d+\] /, ''));
    const module = of('mod')[0]?.replace(/ 0x[0-9a-f]{16}/, '');
    const stderr = of('err').join('\n').replace(/^(insmod: ERROR: could not insert module )\S+: /, '$1');
    return [name, { exit: Number(exit), stderr, dmesg, ...(module !== undefined && { module, sections: of('sect')[0].trim() }) }];
  }));
}

const known = existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) : {};
const given = process.argv.slice(2);
for (const name of given) delete known[name];
const missing = () => names.filter((name) => !(name in known));
const save = () => writeFileSync(result, `{\n${names.filter((name) => name in known).map((name) => `${JSON.stringify(name)}: ${JSON.stringify(known[name])}`).join(',\n')}\n}\n`);
for (const name of missing().filter((n) => ALONE.has(n))) {
  Object.assign(known, ask([name]));
  save();
}
for (let left = missing(); left.length > 0; left = missing()) {
  const got = ask(left);
  if (Object.keys(got).length === 0) throw new Error('the guest did not come up');
  Object.assign(known, got);
  save();
  console.log(`${Object.keys(known).length} of ${names.length}`);
}
rmSync(work, { recursive: true });
