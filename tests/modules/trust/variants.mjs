// Module files that the modules here and one of Debian's are changed into, by name. Nothing of them is committed: they are
// made when something is recorded, and when a test runs. `debian`: the file of Debian's crc7.ko, signed with Debian's key.
import { readFileSync } from 'node:fs';
import { dirname, join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asSection, contentsOf, flip, join, modinfo, offsetOf, patch, replaceText, sectionSize, sectionType, set, split, versions, versionsOf, withoutSection, withSection } from './edit.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const message = (name) => readFileSync(path(here, 'signatures', `${name}.p7s`));

/** Where the module lies from which `debian` variants are made, below /lib/modules/RELEASE. */
export const DEBIAN_MODULE = 'kernel/lib/crc7.ko';

/** The kernels that the modules are built for: where those of trust/ are, and their version magic. */
const KERNELS = {
  '6.1.0-53-amd64': { folder: here, vermagic: '6.1.0-53-amd64 SMP preempt mod_unload modversions ' },
  '6.12.115+deb12-amd64': { folder: path(here, '../6.12/trust'), vermagic: '6.12.115+deb12-amd64 SMP preempt mod_unload modversions ' },
};
const DEFAULT_KERNEL = '6.1.0-53-amd64';

const crc = (bytes, symbol) => versions(bytes, (v) => (v.name === symbol ? { ...v, crc: (v.crc ^ 0xffffffff) >>> 0 } : v));
/** The contents of the signer's serial number, and of what is around it, in the message of Debian's key. */
const serialAt = (text) => text.indexOf(Buffer.from([0x02, 0x14])) + 2;
const SHA256_OID = Buffer.from('608648016503040201', 'hex');
/** With the last byte of the digest's identifier changed, wherever it is. */
function digestOid(text, last) {
  const copy = Buffer.from(text);
  for (let at = copy.indexOf(SHA256_OID); at >= 0; at = copy.indexOf(SHA256_OID, at + 1)) copy[at + 8] = last;
  return copy;
}

/** Without a symbol table: its type is made PROGBITS. */
function withoutSymbols(bytes) {
  const SHT_SYMTAB = 2, SHT_PROGBITS = 1;
  const copy = Buffer.from(bytes), at = Number(copy.readBigUInt64LE(0x28));
  for (let i = 0; i < copy.readUInt16LE(0x3c); i++)
    if (copy.readUInt32LE(at + i * 64 + 4) === SHT_SYMTAB) copy.writeUInt32LE(SHT_PROGBITS, at + i * 64 + 4);
  return copy;
}

/** With another beginning of the name in struct module. */
function thisName(bytes, name) {
  const contents = Buffer.from(contentsOf(bytes, '.gnu.linkonce.this_module'));
  contents.write(name, contents.indexOf('trustme'), 'latin1');
  return withSection(bytes, '.gnu.linkonce.this_module', contents);
}

/** With versions in the extended form as well: CRCs and names in sections of their own. `change` is given the entries. */
function extended(bytes, change = (entries) => entries, without = []) {
  const entries = change(versionsOf(bytes));
  const crcs = Buffer.alloc(4 * entries.length);
  entries.forEach(({ crc }, i) => crcs.writeUInt32LE(crc, 4 * i));
  const names = Buffer.from(entries.map(({ name }) => (name ? `${name}\0` : '')).join(''));
  const withCrcs = without.includes('crcs') ? bytes : asSection(bytes, '.comment', '__version_ext_crcs', crcs);
  return without.includes('names') ? withCrcs : asSection(withCrcs, '.note.GNU-stack', '__version_ext_names', names);
}
const wrong = (symbol) => (entries) => entries.map((v) => (v.name === symbol ? { ...v, crc: (v.crc ^ 0xffffffff) >>> 0 } : v));

/** All variants of the modules that are built for one kernel: functions by name, to which a Debian module may be given. */
function variantsOf({ folder, vermagic }) {
  const own = (name) => readFileSync(path(folder, `${name}.ko`));
  const trustme = () => own('trustme');
  /** Another release of the same kernel. */
  const otherRelease = vermagic.replace(/\d+(?=[^.\d]*amd64)/, '47');

  /** By trustme.ko's keys, which nobody trusts. */
  const signed = Object.fromEntries([
    'rsa-md5', 'rsa-sha1', 'rsa-sha224', 'rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'rsa-sha3-256', 'rsa-pss', 'rsa-keyid', 'rsa-attributes', 'rsa-certificate',
    'rsa-attached', 'p256-sha256', 'p384-sha384', 'p256-certificate',
  ].map((name) => [`signed-${name}`, () => join({ module: trustme(), message: message(name) })]));

  /** What becomes of Debian's own. Each is given the parts of the file. */
  const debian = {
    'debian': (s) => join(s),
    'debian-unsigned': (s) => s.module,
    'debian-flip-first': (s) => join({ ...s, module: flip(s.module, 9) }),
    'debian-flip-middle': (s) => join({ ...s, module: flip(s.module, s.module.length >> 1) }),
    'debian-flip-last': (s) => join({ ...s, module: flip(s.module, s.module.length - 1) }),
    'debian-cut': (s) => join({ ...s, module: s.module.subarray(0, s.module.length - 16) }),
    'debian-grown': (s) => join({ ...s, module: Buffer.concat([s.module, Buffer.alloc(16)]) }),
    'debian-twice': (s) => join({ ...s, module: join(s) }),
    'debian-flip-signature': (s) => join({ ...s, message: flip(s.message, s.message.length - 1) }),
    'debian-zero-signature': (s) => join({ ...s, message: Buffer.concat([s.message.subarray(0, -512), Buffer.alloc(512)]) }),
    'debian-flip-tag': (s) => join({ ...s, message: flip(s.message, 0) }),
    'debian-flip-type': (s) => join({ ...s, message: flip(s.message, 13) }),
    'debian-flip-length': (s) => join({ ...s, message: flip(s.message, 3) }),
    'debian-flip-version': (s) => join({ ...s, message: patch(s.message, { 25: 2 }) }),
    'debian-version-3': (s) => join({ ...s, message: patch(s.message, { 25: 3 }) }),
    'debian-flip-serial': (s) => join({ ...s, message: flip(s.message, serialAt(s.message)) }),
    'debian-flip-issuer': (s) => join({ ...s, message: replaceText(s.message, 'autogenerated', 'selfgenerated') }),
    'debian-digest-unknown': (s) => join({ ...s, message: digestOid(s.message, 0x7f) }),
    'debian-digest-sha384': (s) => join({ ...s, message: digestOid(s.message, 2) }),
    'debian-digest-sha224': (s) => join({ ...s, message: digestOid(s.message, 4) }),
    'debian-digest-list': (s) => join({ ...s, message: flip(s.message, s.message.indexOf(SHA256_OID) + 8) }),
    'debian-message-cut': (s) => join({ ...s, message: s.message.subarray(0, -1) }),
    'debian-message-grown': (s) => join({ ...s, message: Buffer.concat([s.message, Buffer.from('garbage')]) }),
    'debian-message-empty': (s) => join({ ...s, message: Buffer.alloc(0) }),
    'debian-message-random': (s) => join({ ...s, message: Buffer.alloc(300, 'not DER ') }),
    'debian-length-short': (s) => join({ ...s, length: s.message.length - 1 }),
    'debian-length-long': (s) => join({ ...s, length: s.message.length + 1 }),
    'debian-length-zero': (s) => join({ ...s, length: 0 }),
    'debian-length-file': (s) => join({ ...s, length: s.module.length + s.message.length }),
    'debian-length-huge': (s) => join({ ...s, length: 0xffffffff }),
    'debian-type-x509': (s) => join({ ...s, fields: { 2: 1 } }),
    'debian-type-9': (s) => join({ ...s, fields: { 2: 9 } }),
    'debian-algo': (s) => join({ ...s, fields: { 0: 1 } }),
    'debian-hash': (s) => join({ ...s, fields: { 1: 4 } }),
    'debian-signer': (s) => join({ ...s, fields: { 3: 1 } }),
    'debian-key-id': (s) => join({ ...s, fields: { 4: 1 } }),
    'debian-padding': (s) => join({ ...s, fields: { 6: 1 } }),
    'debian-garbage': (s) => Buffer.concat([join(s), Buffer.from('garbage')]),
    'debian-newline-lost': (s) => join(s).subarray(0, -1),
  };
  const fromDebian = Object.fromEntries(Object.entries(debian).map(([name, make]) => [name, (file) => make(split(file))]));

  const files = {
    'marker': () => Buffer.from('~Module signature appended~\n'),
    'trailer': () => join({ module: Buffer.alloc(0), message: Buffer.alloc(0) }),
    'message': () => join({ module: Buffer.alloc(0), message: message('rsa-sha256') }),
    'empty': () => Buffer.alloc(0),
    'text': () => Buffer.from('this is no module\n'.repeat(20)),
    'elf-ident': () => trustme().subarray(0, 16),
    'elf-header': () => trustme().subarray(0, 64),
    'elf-half': () => trustme().subarray(0, trustme().length >> 1),
    'elf-short': () => trustme().subarray(0, -1),
    'elf-magic': () => flip(trustme(), 1),
    'elf-class-32': () => patch(trustme(), { 4: 1 }),
    'elf-big-endian': () => patch(trustme(), { 5: 2 }),
    'elf-executable': () => patch(trustme(), { 16: 2 }),
    'elf-shared': () => patch(trustme(), { 16: 3 }),
    'elf-i386': () => patch(trustme(), { 18: 3 }),
    'elf-aarch64': () => patch(trustme(), { 18: 0xb7 }),
    'elf-version': () => patch(trustme(), { 20: 2 }),
    'elf-shentsize': () => patch(trustme(), { 0x3a: 63 }),
    'elf-shoff': () => patch(trustme(), { 0x2a: 0x7f }),
    'elf-shnum-0': () => patch(trustme(), { 0x3c: 0 }),
    'elf-shstrndx': () => patch(trustme(), { 0x3e: 200 }),
    'elf-shstrndx-0': () => patch(trustme(), { 0x3e: 0 }),
    'elf-section-outside': () => sectionSize(trustme(), '.text', 0x100000),
    'no-symtab': () => withoutSymbols(trustme()),
    'no-this-module': () => withoutSection(trustme(), '.gnu.linkonce.this_module'),
    'small-this-module': () => sectionSize(trustme(), '.gnu.linkonce.this_module', 0x340),
    'big-this-module': () => withSection(trustme(), '.gnu.linkonce.this_module', Buffer.concat([contentsOf(trustme(), '.gnu.linkonce.this_module'), Buffer.alloc(0x40)])),
    'no-modinfo': () => withoutSection(trustme(), '.modinfo'),
    'empty-modinfo': () => modinfo(trustme(), () => []),
    'modinfo-no-name': () => set(trustme(), { name: undefined }),
    'modinfo-other-name': () => set(trustme(), { name: 'someone_else' }),
    'modinfo-empty-name': () => set(trustme(), { name: '' }),
    'modinfo-unterminated': () => withSection(trustme(), '.modinfo', Buffer.from(`license=GPL\0name=trustme\0vermagic=${vermagic}\0retpoline=Y`)),
    'modinfo-no-equals': () => modinfo(trustme(), (s) => ['nonsense', '=', ...s]),
    'modinfo-license-twice': () => modinfo(trustme(), (s) => ['license=Proprietary', ...s]),
  };

  /** `.modinfo` and the name in struct module, not as a linker would leave them. */
  const modinfoCases = {
    'modinfo-name-twice': () => modinfo(trustme(), (s) => ['name=someone_else', ...s]),
    'modinfo-magic-twice': () => modinfo(trustme(), (s) => ['vermagic=5.10.0 SMP mod_unload ', ...s]),
    'modinfo-magic-later': () => modinfo(trustme(), (s) => [...s, 'vermagic=5.10.0 SMP mod_unload ']),
    'modinfo-magic-unterminated': () => withSection(trustme(), '.modinfo', Buffer.from(`license=GPL\0name=trustme\0retpoline=Y\0vermagic=${vermagic}`)),
    'modinfo-license-unterminated': () => withSection(trustme(), '.modinfo', Buffer.from(`name=trustme\0retpoline=Y\0vermagic=${vermagic}\0license=GPL`)),
    'modinfo-key-unterminated': () => withSection(trustme(), '.modinfo', Buffer.from(`license=GPL\0name=trustme\0retpoline=Y\0vermagic=${vermagic}\0intree`)),
    'modinfo-holes': () => withSection(trustme(), '.modinfo', Buffer.from(contentsOf(trustme(), '.modinfo').toString('latin1').replaceAll('\0', '\0\0\0\0'), 'latin1')),
    'modinfo-hole-first': () => withSection(trustme(), '.modinfo', Buffer.concat([Buffer.alloc(7), contentsOf(trustme(), '.modinfo')])),
    'modinfo-nuls': () => withSection(trustme(), '.modinfo', Buffer.alloc(64)),
    'modinfo-one-byte': () => withSection(trustme(), '.modinfo', Buffer.from('x')),
    'modinfo-outside': () => sectionSize(trustme(), '.modinfo', 0x1000000),
    'modinfo-nobits': () => sectionType(trustme(), '.modinfo', 8),
    'modinfo-keys-only': () => modinfo(trustme(), () => ['license', 'name', 'vermagic', 'retpoline']),
    'modinfo-spaces': () => modinfo(trustme(), (s) => s.map((text) => text.replace('=', ' = '))),
    'modinfo-high-bytes': () => set(trustme(), { license: '\xff\xfe', author: '\x80\x81' }),
    'modinfo-long': () => set(trustme(), { description: 'x'.repeat(70000), license: 'y'.repeat(2000) }),
    'modinfo-newline': () => set(trustme(), { license: 'Pro\nprietary' }),
    'modinfo-percent': () => set(trustme(), { license: '%s%n%p' }),
    'this-name-empty': () => thisName(trustme(), '\0'),
    'this-name-other': () => thisName(trustme(), 'someone\0'),
    'this-name-slash': () => thisName(trustme(), 'a/b\0'),
  };

  /** A module under the name of a part of the kernel. */
  const builtinName = { 'builtin-name': () => thisName(trustme(), 'printk\0') };

  const versionCases = {
    'magic-release': () => set(trustme(), { vermagic: otherRelease }),
    'magic-flags': () => set(trustme(), { vermagic: vermagic.replace('SMP ', '') }),
    'magic-other': () => set(trustme(), { vermagic: '5.10.0 SMP mod_unload ' }),
    'magic-missing': () => set(trustme(), { vermagic: undefined }),
    'magic-empty': () => set(trustme(), { vermagic: '' }),
    'magic-release-no-versions': () => withoutSection(set(trustme(), { vermagic: otherRelease }), '__versions'),
    'crc-printk': () => crc(trustme(), '_printk'),
    'crc-layout': () => crc(trustme(), 'module_layout'),
    'crc-both': () => crc(crc(trustme(), '_printk'), 'module_layout'),
    'crc-and-magic': () => crc(set(trustme(), { vermagic: '5.10.0 SMP mod_unload ' }), '_printk'),
    'versions-missing': () => withoutSection(trustme(), '__versions'),
    'versions-empty': () => withSection(trustme(), '__versions', Buffer.alloc(0)),
    'versions-no-printk': () => versions(trustme(), (v) => (v.name === '_printk' ? undefined : v)),
    'versions-no-layout': () => versions(trustme(), (v) => (v.name === 'module_layout' ? undefined : v)),
    'extended': () => extended(trustme()),
    'extended-only': () => withoutSection(extended(trustme()), '__versions'),
    'extended-wrong': () => extended(trustme(), wrong('_printk')),
    'extended-wrong-layout': () => extended(trustme(), wrong('module_layout')),
    'extended-right': () => extended(crc(trustme(), '_printk'), wrong('_printk')),
    'extended-no-printk': () => extended(trustme(), (entries) => entries.filter((v) => v.name !== '_printk')),
    'extended-empty': () => extended(trustme(), () => []),
    'extended-names-short': () => extended(trustme(), (entries) => entries.map((v, i) => (i === entries.length - 1 ? { ...v, name: '' } : v))),
    'extended-no-names': () => extended(trustme(), undefined, ['names']),
    'extended-no-crcs': () => extended(trustme(), undefined, ['crcs']),
    'imports-module-namespace': () => set(own('spaced_user'), { import_ns: 'module:spaced_user' }),
    'unknown-symbol': () => replaceText(trustme(), '_printk', '_prinkt'),
    'unknown-symbols': () => replaceText(replaceText(trustme(), '_printk', '_prinkt'), '__fentry__', '__fenttry_'),
    'provider-magic': () => set(own('provider'), { vermagic: '5.10.0 SMP mod_unload ' }),
    'provider-crc': () => crc(own('provider'), 'module_layout'),
    'export-no-crc': () => withoutSection(own('provider'), '__kcrctab'),
    'magic-signed': (file) => join({ ...split(file), module: set(split(file).module, { vermagic: '5.10.0 SMP mod_unload ' }) }),
  };

  const license = (text) => () => set(trustme(), { license: text });
  const licences = {
    'license-gpl': license('GPL'),
    'license-gpl-v2': license('GPL v2'),
    'license-gpl-additional': license('GPL and additional rights'),
    'license-bsd-gpl': license('Dual BSD/GPL'),
    'license-mit-gpl': license('Dual MIT/GPL'),
    'license-mpl-gpl': license('Dual MPL/GPL'),
    'license-proprietary': license('Proprietary'),
    'license-bsd': license('BSD'),
    'license-lower-case': license('gpl'),
    'license-space': license('GPL '),
    'license-gpl-v3': license('GPL v3'),
    'license-empty': license(''),
    'license-none': license(undefined),
    'license-nul': license('GPL\0for files in the "GPL" directory'),
    'license-proprietary-nul': license('Proprietary\0license=GPL'),
    'gpl-user-proprietary': () => set(own('gpl_user'), { license: 'Proprietary' }),
    'provider-proprietary': () => set(own('provider'), { license: 'Proprietary' }),
    'plain-user-proprietary': () => set(own('plain_user'), { license: 'Proprietary' }),
    'only-user-proprietary': () => set(own('only_user'), { license: 'Proprietary' }),
    'spaced-user-no-import': () => set(own('spaced_user'), { import_ns: undefined }),
    'spaced-user-other-import': () => set(own('spaced_user'), { import_ns: 'OTHER' }),
    'ndiswrapper': () => renamed('ndiswrapper'),
    'driverloader': () => renamed('driverloader'),
  };

  /** Under another name, which is in .modinfo and in struct module. */
  function renamed(name) {
    const THIS_MODULE_NAME = 0x18;
    const bytes = set(trustme(), { name });
    bytes.write(`${name}\0`, offsetOf(bytes, '.gnu.linkonce.this_module') + THIS_MODULE_NAME, 'latin1');
    return bytes;
  }

  const others = {
    'staging': () => set(trustme(), { staging: 'Y' }),
    'test': () => set(trustme(), { test: 'Y' }),
    'intree': () => set(trustme(), { intree: 'Y' }),
    'intree-n': () => set(trustme(), { intree: 'N' }),
    'no-retpoline': () => set(trustme(), { retpoline: undefined }),
    'livepatch': () => set(trustme(), { livepatch: 'Y' }),
    'everything': () => withoutSection(set(trustme(), { vermagic: undefined, retpoline: undefined, staging: 'Y', test: 'Y', license: 'Proprietary' }), '__versions'),
    'everything-unknown': () => replaceText(set(trustme(), { vermagic: undefined, retpoline: undefined, staging: 'Y', test: 'Y', license: 'Proprietary' }), '_printk', '_prinkt'),
  };

  return { own, fromDebian, modinfoCases, all: { ...signed, ...fromDebian, ...files, ...modinfoCases, ...builtinName, ...versionCases, ...licences, ...others } };
}

const byKernel = new Map(Object.entries(KERNELS).map(([release, kernel]) => [release, variantsOf(kernel)]));
const NEED_DEBIAN = new Set([...Object.keys(byKernel.get(DEFAULT_KERNEL).fromDebian), 'magic-signed']);

/** Variants whose .modinfo, or name in struct module, is damaged. */
export const MODINFO_VARIANTS = Object.keys(byKernel.get(DEFAULT_KERNEL).modinfoCases);

/** Other modules of Debian's, which are not changed, by name of the variant: where they lie below /lib/modules/RELEASE. */
const DEBIAN_FILES = { 'sha512_generic': 'kernel/crypto/sha512_generic.ko' };

/** Whether a variant is one of Debian's modules. */
export const needsDebian = (name) => NEED_DEBIAN.has(name) || name in DEBIAN_FILES;

/** The module of Debian's that a variant is made of. */
export const debianFileOf = (name) => DEBIAN_FILES[name] ?? DEBIAN_MODULE;

/** The bytes of a variant, or of a module here. */
export function variant(name, debianModule, release = DEFAULT_KERNEL) {
  const { all, own } = byKernel.get(release);
  if (name in DEBIAN_FILES) return debianModule;
  if (all[name]) return all[name](debianModule);
  return own(name);
}
