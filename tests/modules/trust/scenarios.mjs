// What may join the kernel: files of variants.mjs in kernels booted in different ways. Same form as ../scenarios.mjs.

import { MODINFO_VARIANTS } from './variants.mjs';

/** Loads a file, shows how it and the kernel are tainted, and takes it out again. */
const load = (file, { module = 'trustme', flags = '' } = {}) =>
  `insmod ${flags && `${flags} `}/mods/${file}.ko && cat /proc/modules /sys/module/${module}/taint && rmmod ${module}`;
const loadDebian = (file, flags = '') => load(file, { module: 'crc7', flags });
const tainted = 'cat /proc/sys/kernel/tainted';

const SIGNED = ['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'rsa-sha1', 'rsa-md5', 'rsa-sha224', 'rsa-sha3-256', 'rsa-pss', 'rsa-keyid', 'rsa-attributes', 'rsa-certificate',
  'rsa-attached', 'p256-sha256', 'p384-sha384', 'p256-certificate'].map((name) => `signed-${name}`);
const DEBIAN = ['unsigned', 'flip-first', 'flip-middle', 'flip-last', 'cut', 'grown', 'twice', 'flip-signature', 'zero-signature', 'flip-tag', 'flip-type', 'flip-length', 'flip-version',
  'version-3', 'flip-serial', 'flip-issuer', 'digest-unknown', 'digest-sha384', 'digest-sha224', 'digest-list', 'message-cut', 'message-grown', 'message-empty', 'message-random', 'length-short',
  'length-long', 'length-zero', 'length-file', 'length-huge', 'type-x509', 'type-9', 'algo', 'hash', 'signer', 'key-id', 'padding', 'garbage', 'newline-lost'].map((name) => `debian-${name}`);

const AS_USER = { as: 1000 }, WITHOUT_CAP = { without: 'CAP_SYS_MODULE' };

/** Debian's module comes first: the kernel is untainted until something that it does not trust comes. */
const signatureSteps = [
  loadDebian('debian'),
  tainted,
  ...DEBIAN.map((file) => loadDebian(file)),
  load('trustme'),
  ...SIGNED.map((file) => load(file)),
  load('marker'), load('trailer'), load('message'),
  loadDebian('debian', '-f'),
  loadDebian('debian-flip-middle', '-f'),
  load('trustme', { flags: '-f' }),
  load('signed-rsa-sha256', { flags: '-f' }),
  tainted,
  { ...AS_USER, run: loadDebian('debian') },
  { ...AS_USER, run: load('trustme') },
  { ...WITHOUT_CAP, run: loadDebian('debian') },
  { ...WITHOUT_CAP, run: load('text') },
  'insmod /mods/debian.ko',
  { ...AS_USER, run: 'rmmod crc7' },
  { ...WITHOUT_CAP, run: 'rmmod crc7' },
  'cat /proc/sys/kernel/modules_disabled',
  'echo 0 > /proc/sys/kernel/modules_disabled',
  { ...AS_USER, run: 'echo 1 > /proc/sys/kernel/modules_disabled' },
  'echo 1 > /proc/sys/kernel/modules_disabled',
  'cat /proc/sys/kernel/modules_disabled',
  'rmmod crc7',
  load('trustme'),
  loadDebian('debian-flip-middle'),
  load('text'),
  'echo 0 > /proc/sys/kernel/modules_disabled',
  'cat /sys/module/module/parameters/sig_enforce',
  'echo 1 > /sys/module/module/parameters/sig_enforce',
  'cat /sys/module/module/parameters/sig_enforce',
  tainted,
];

const signature = (about, cmdline) => ({
  about: `signatures ${about}`,
  modules: [],
  variants: ['trustme', 'debian', ...DEBIAN, ...SIGNED, 'marker', 'trailer', 'message', 'text'],
  ...(cmdline && { cmdline }),
  steps: signatureSteps,
  atMost: 400,
});

const files = (list) => list.map((file) => load(file));
const FILES = ['empty', 'text', 'elf-ident', 'elf-header', 'elf-half', 'elf-short', 'elf-magic', 'elf-executable', 'elf-shared', 'elf-i386', 'elf-aarch64',
  'elf-shentsize', 'elf-shoff', 'elf-shnum-0', 'elf-shstrndx', 'elf-shstrndx-0', 'elf-section-outside', 'no-symtab', 'no-this-module',
  'big-this-module', 'no-modinfo', 'empty-modinfo', 'modinfo-no-name', 'modinfo-other-name', 'modinfo-empty-name', 'modinfo-unterminated', 'modinfo-no-equals', 'modinfo-license-twice'];
const VERSIONS = ['magic-release', 'magic-flags', 'magic-other', 'magic-missing', 'magic-empty', 'magic-release-no-versions', 'crc-printk', 'crc-layout', 'crc-both', 'crc-and-magic',
  'versions-missing', 'versions-empty', 'versions-no-printk', 'versions-no-layout', 'unknown-symbol', 'unknown-symbols'];
const EXTENDED = ['extended', 'extended-only', 'extended-wrong', 'extended-wrong-layout', 'extended-right', 'extended-no-printk', 'extended-empty', 'extended-names-short',
  'extended-no-names', 'extended-no-crcs'];
const LICENCES = ['gpl', 'gpl-v2', 'gpl-additional', 'bsd-gpl', 'mit-gpl', 'mpl-gpl', 'proprietary', 'bsd', 'lower-case', 'space', 'gpl-v3', 'empty', 'none', 'proprietary-nul'].map((name) => `license-${name}`);

/** MODULE_INIT_* of finit_module(2). */
const IGNORE_MODVERSIONS = 1, IGNORE_VERMAGIC = 2;
const finit = (flags, file) => `sys finit ${flags} /mods/${file}.ko && cat /proc/modules /sys/module/trustme/taint && rmmod trustme`;

/** One tree for each variant of trustme, and two in which it is what a module depends on that does not fit. */
const FORCED = ['trustme', 'magic-other', 'crc-printk', 'crc-layout', 'crc-and-magic', 'versions-missing', 'unknown-symbol'];
const forcedTrees = {
  ...Object.fromEntries(FORCED.map((file) => [file, { 'extra/trustme.ko': file }])),
  'depends-magic': { 'extra/provider.ko': 'provider-magic', 'extra/plain_user.ko': 'plain_user' },
  'depends-crc': { 'extra/provider.ko': 'provider-crc', 'extra/plain_user.ko': 'plain_user' },
};
const probe = (flags, tree, module = 'trustme') =>
  `modprobe ${flags && `${flags} `}-d /mods/${tree} ${module} && cat /proc/modules /sys/module/${module}/taint && modprobe -r -d /mods/${tree} ${module}`;
const FORCES = ['', '--force-vermagic', '--force-modversion', '--force', '-f'];

export const trustScenarios = {
  trust_modprobe_force: {
    about: 'modprobe by force: what it makes of versions that do not match, also those of dependencies',
    modules: [],
    variants: [],
    trees: forcedTrees,
    steps: [
      'modprobe -n -v --force -d /mods/crc-and-magic trustme',
      'modprobe -n -v --force-vermagic -d /mods/depends-magic plain_user',
      ...FORCED.flatMap((tree) => FORCES.map((flags) => probe(flags, tree))),
      ...['depends-magic', 'depends-crc'].flatMap((tree) => FORCES.map((flags) => probe(flags, tree, 'plain_user'))),
      probe('--force --first-time', 'trustme'),
      tainted,
    ],
    atMost: 400,
  },
  trust_modprobe_force_enforced: {
    about: 'modprobe by force where signatures are enforced',
    modules: [],
    variants: [],
    trees: { ...forcedTrees, debian: { 'kernel/lib/crc7.ko': 'debian' } },
    cmdline: 'module.sig_enforce=1',
    steps: [...FORCES.map((flags) => probe(flags, 'trustme')), ...FORCES.map((flags) => probe(flags, 'debian', 'crc7')), tainted],
  },
  trust_digest_module: {
    about: 'a signature whose digest is a module: it is in the tree, and loaded when it is first needed',
    modules: [],
    variants: ['trustme', 'signed-rsa-sha512', 'signed-rsa-sha384', 'signed-rsa-sha256'],
    trees: { '/': { 'kernel/crypto/sha512_generic.ko': 'sha512_generic' } },
    steps: [
      'cat /proc/modules', load('signed-rsa-sha256'), 'cat /proc/modules', load('signed-rsa-sha512'), 'cat /proc/modules', load('signed-rsa-sha384'), 'rmmod sha512_generic',
      load('signed-rsa-sha384'), 'cat /proc/modules', tainted,
    ],
  },
  trust_digest_module_gone: {
    about: 'a signature whose digest is a module that is not in the tree, and is loaded by hand then',
    modules: [],
    variants: ['signed-rsa-sha512', 'signed-rsa-sha384', 'sha512_generic'],
    cmdline: 'module.sig_enforce=1',
    steps: [
      load('signed-rsa-sha512'), 'cat /proc/modules', 'insmod /mods/sha512_generic.ko', load('signed-rsa-sha512'), load('signed-rsa-sha384'), 'rmmod sha512_generic',
      load('signed-rsa-sha512'), tainted,
    ],
  },
  trust_signature: signature('as Debian boots: not enforced'),
  trust_sig_enforce: signature('enforced', 'module.sig_enforce=1'),
  trust_lockdown_integrity: signature('in lockdown for integrity', 'lockdown=integrity'),
  trust_lockdown_confidentiality: signature('in lockdown for confidentiality', 'lockdown=confidentiality'),
  trust_versions: {
    about: 'version magic and symbol versions that do not match, without and with force',
    modules: [],
    variants: ['trustme', ...VERSIONS, 'export-no-crc', 'magic-signed'],
    steps: [
      loadDebian('magic-signed'),
      ...files(VERSIONS),
      load('export-no-crc', { module: 'provider' }),
      tainted,
      loadDebian('magic-signed', '-f'),
      load('trustme', { flags: '-f' }),
      tainted,
      ...VERSIONS.map((file) => load(file, { flags: '-f' })),
      load('export-no-crc', { module: 'provider', flags: '-f' }),
      ...['magic-release', 'magic-other', 'magic-missing', 'crc-printk', 'crc-layout', 'crc-and-magic', 'versions-empty', 'trustme'].flatMap((file) =>
        [IGNORE_MODVERSIONS, IGNORE_VERMAGIC, IGNORE_MODVERSIONS | IGNORE_VERMAGIC].map((flags) => finit(flags, file))),
      finit(8, 'trustme'),
      finit(0, 'trustme'),
      finit(0, 'none'),
      tainted,
    ],
    atMost: 400,
  },
  trust_versions_extended: {
    about: 'symbol versions in the extended form, and namespaces of modules: neither kernel here knows them',
    modules: [],
    variants: ['provider', 'imports-module-namespace', ...EXTENDED],
    steps: [
      ...files(EXTENDED),
      'insmod /mods/provider.ko',
      load('imports-module-namespace', { module: 'spaced_user' }),
      'rmmod provider',
      tainted,
    ],
  },
  trust_licenses: {
    about: 'licences, and who may use what is exported to GPL-compatible modules only',
    modules: [],
    variants: ['trustme', 'gpl_user', 'provider', 'plain_user', 'mixed_user', 'only_user', 'spaced_user', ...LICENCES, 'gpl-user-proprietary', 'provider-proprietary',
      'plain-user-proprietary', 'only-user-proprietary', 'spaced-user-no-import', 'spaced-user-other-import', 'ndiswrapper', 'driverloader'],
    steps: [
      ...LICENCES.map((file) => load(file)),
      tainted,
      load('gpl_user', { module: 'gpl_user' }),
      load('gpl-user-proprietary', { module: 'gpl_user' }),
      load('ndiswrapper', { module: 'ndiswrapper' }),
      load('driverloader', { module: 'driverloader' }),
      'insmod /mods/provider.ko',
      load('plain_user', { module: 'plain_user' }),
      load('mixed_user', { module: 'mixed_user' }),
      load('only_user', { module: 'only_user' }),
      load('spaced_user', { module: 'spaced_user' }),
      load('spaced-user-no-import', { module: 'spaced_user' }),
      load('spaced-user-no-import', { module: 'spaced_user', flags: '-f' }),
      load('spaced-user-other-import', { module: 'spaced_user' }),
      load('plain-user-proprietary', { module: 'plain_user' }),
      load('only-user-proprietary', { module: 'only_user' }),
      'rmmod provider',
      load('plain_user', { module: 'plain_user' }),
      'insmod /mods/provider-proprietary.ko',
      load('plain_user', { module: 'plain_user' }),
      load('mixed_user', { module: 'mixed_user' }),
      load('only_user', { module: 'only_user' }),
      load('spaced_user', { module: 'spaced_user' }),
      load('plain-user-proprietary', { module: 'plain_user' }),
      load('only-user-proprietary', { module: 'only_user' }),
      'rmmod provider',
      tainted,
    ],
  },
  trust_license_nul: {
    about: 'a licence with a NUL in it, of which the kernel reads what is before',
    modules: [],
    variants: ['license-nul'],
    steps: [load('license-nul'), tainted],
  },
  trust_files: {
    about: 'files that are no modules, or not for this kernel, and .modinfo that is not as it should be',
    modules: [],
    variants: ['trustme', ...FILES],
    steps: [...files(FILES), load('trustme'), tainted],
  },
  trust_modinfo: {
    about: 'damaged .modinfo, and other names in struct module',
    modules: [],
    variants: MODINFO_VARIANTS,
    steps: [
      ...MODINFO_VARIANTS.filter((name) => !name.startsWith('this-name')).flatMap((name) => [load(name), 'cat /proc/modules']),
      'insmod /mods/this-name-empty.ko',
      'insmod /mods/this-name-other.ko',
      'cat /proc/modules',
      'rmmod someone',
      'insmod /mods/this-name-slash.ko',
      'ls -d /sys/module/a!*',
      'cat /proc/modules',
      'rmmod a/b',
      tainted,
    ],
  },
  trust_elf_header: {
    about: 'what the kernel does not look at in an ELF header',
    modules: [],
    variants: ['elf-class-32', 'elf-big-endian', 'elf-version'],
    steps: files(['elf-class-32', 'elf-big-endian', 'elf-version']),
  },
  trust_small_struct: {
    about: 'a struct module that ends before the kernel\'s does',
    modules: [],
    variants: ['small-this-module'],
    steps: [load('small-this-module')],
  },
  trust_origin: {
    about: 'staging, tests, livepatches and modules without retpolines',
    modules: [],
    variants: ['trustme', 'staging', 'test', 'intree', 'intree-n', 'no-retpoline', 'livepatch'],
    steps: [load('intree'), tainted, load('intree-n'), load('no-retpoline'), tainted, load('staging'), tainted, load('test'), tainted, load('livepatch'), tainted, load('trustme'),
      'insmod /mods/trustme.ko', 'insmod /mods/trustme.ko', 'insmod /mods/livepatch.ko', 'rmmod trustme'],
  },
  trust_everything: {
    about: 'the order of the taints of one module',
    modules: [],
    variants: ['everything', 'everything-unknown'],
    steps: [load('everything-unknown', { flags: '-f' }), tainted, load('everything', { flags: '-f' }), 'insmod /mods/everything.ko', tainted],
  },
  trust_everything_at_once: {
    about: 'the order of the taints of one module that is the first',
    modules: [],
    variants: ['everything'],
    steps: [load('everything', { flags: '-f' }), tainted],
  },
  trust_cmdline: {
    about: 'modules and their init functions on the blacklists of the command line',
    modules: [],
    cmdline: 'module_blacklist=provider,crc7,gpl_user initcall_blacklist=plain_user_init,trustme_init',
    variants: ['trustme', 'provider', 'gpl_user', 'gpl-user-proprietary', 'debian', 'debian-flip-middle', 'small-this-module', 'crc-layout', 'plain_user'],
    steps: [
      loadDebian('debian'), loadDebian('debian-flip-middle'), load('provider', { module: 'provider' }), load('gpl_user', { module: 'gpl_user' }),
      load('gpl-user-proprietary', { module: 'gpl_user' }), tainted, load('trustme'), load('crc-layout'), tainted, load('plain_user', { module: 'plain_user' }),
      'cat /proc/modules',
    ],
  },
  trust_taint: {
    about: 'taints that are not of a module: written by a user, of warnings, of oopses, of add_taint()',
    modules: ['faulty_null_read', 'faulty_warn'],
    variants: ['trustme', 'tainter', 'intree'],
    steps: [
      tainted,
      { ...AS_USER, run: 'echo 64 > /proc/sys/kernel/tainted' },
      { ...AS_USER, run: tainted },
      ...['0', '-1', 'abc', '', '08', '0x20', '010', '0', '4 2', '4\t', '524288', '99999999999999999999', '18446744073709551615x', '1048576'].flatMap((text) => [`echo '${text}' > /proc/sys/kernel/tainted`, tainted]),
      'echo -n 2048 > /proc/sys/kernel/tainted',
      tainted,
      'insmod /mods/tainter.ko warn=9 && cat /proc/modules /sys/module/tainter/taint && rmmod tainter',
      tainted,
      'insmod /mods/tainter.ko warn=11 && cat /sys/module/tainter/taint && rmmod tainter',
      tainted,
      'insmod /mods/tainter.ko warn=10 && cat /sys/module/tainter/taint && rmmod tainter',
      tainted,
      'insmod /mods/tainter.ko danger=1 && cat /sys/module/tainter/taint && echo 2 > /sys/module/tainter/parameters/danger; rmmod tainter',
      'insmod /mods/tainter.ko port=1 && echo 2 > /sys/module/tainter/parameters/port; rmmod tainter',
      tainted,
      'insmod /mods/tainter.ko flag=16 && cat /sys/module/tainter/taint && rmmod tainter',
      tainted,
      'insmod /mods/tainter.ko flag=17 unreliable=1 && rmmod tainter',
      'insmod /mods/tainter.ko flag=0 unreliable=1 && rmmod tainter',
      tainted,
      'insmod /mods/faulty_null_read.ko',
      tainted,
      'insmod /mods/tainter.ko warn=9; rmmod tainter',
      'echo 524287 > /proc/sys/kernel/tainted',
      tainted,
      'insmod /mods/faulty_warn.ko; rmmod faulty_warn',
    ],
  },
  trust_taint_before: {
    about: 'what a user has tainted before a module does',
    modules: ['hello'],
    variants: ['trustme', 'license-proprietary', 'test', 'livepatch'],
    steps: [
      'echo 0x4d003 > /proc/sys/kernel/tainted',
      tainted,
      load('license-proprietary'),
      load('trustme', { flags: '-f' }),
      load('livepatch'),
      load('test'),
      tainted,
    ],
  },
};
