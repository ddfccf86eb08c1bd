// What is done on Debian's 6.12 kernel with the modules that are built for it (build.sh 6.12): steps of ../scenarios.mjs and
// of ../trust/scenarios.mjs. This kernel trusts no key but its own, and Debian's package of it is not signed.
import { scenarios } from '../scenarios.mjs';

export const RELEASE = '6.12.115+deb12-amd64';

/** The scenario without the steps that need a module signed by Debian. */
function withoutDebian({ variants = [], steps, ...rest }) {
  const needs = (file) => file === 'debian' || file.startsWith('debian-') || file === 'magic-signed';
  const absent = variants.filter(needs).concat('magic-signed', 'debian');
  const run = (step) => (typeof step === 'string' ? step : step.run);
  return {
    ...rest,
    ...(variants.length > 0 && { variants: variants.filter((v) => !needs(v)) }),
    steps: steps.filter((step) => !absent.some((file) => run(step).includes(`/mods/${file}.ko`))),
  };
}

const load = (file) => `insmod /mods/${file}.ko && cat /proc/modules /sys/module/trustme/taint && rmmod trustme`;
const tainted = 'cat /proc/sys/kernel/tainted';
/** Without a signature, with one of an unknown key, and with one that is none. */
const SIGNED = ['trustme', 'signed-rsa-sha256', 'signed-rsa-sha512', 'signed-p256-sha256', 'signed-rsa-md5', 'signed-rsa-certificate', 'trailer', 'marker', 'text'];
const signature = (about, cmdline) => ({
  about: `signatures ${about}`,
  modules: [],
  variants: SIGNED,
  ...(cmdline && { cmdline }),
  steps: [
    ...SIGNED.map(load), tainted, load('trustme').replace('insmod', 'insmod -f'), tainted,
    { as: 1000, run: load('trustme') }, { without: 'CAP_SYS_MODULE', run: load('trustme') },
    'cat /sys/module/module/parameters/sig_enforce', 'echo 1 > /sys/module/module/parameters/sig_enforce', load('trustme'),
    'echo 1 > /proc/sys/kernel/modules_disabled', load('trustme'), tainted,
  ],
});

const REPLAYED = ['exporter_importer', 'forced', 'blacklisted', 'faulty_null_read', 'faulty_warn', 'faulty_bug', 'trust_versions', 'trust_versions_extended', 'trust_licenses',
  'trust_license_nul', 'trust_files', 'trust_elf_header', 'trust_small_struct', 'trust_origin', 'trust_everything', 'trust_everything_at_once'];

/** Without what is in its directory of /sys, which modbox does not have all of, and without a value that kmod 34 quotes and kmod 30 does not. */
const loads = scenarios.hello.steps;
const quoted = loads.findIndex((step) => step.includes('"two words"'));
const hello = {
  about: 'load, look, unload',
  modules: ['hello'],
  steps: [...loads.slice(0, quoted), ...loads.slice(quoted + 2)].filter((step) => !/ls \/sys\/module\/hello$/.test(step)),
};

export const newerScenarios = {
  hello,
  ...Object.fromEntries(REPLAYED.map((name) => [name, withoutDebian(scenarios[name])])),
  trust_signature: signature('as Debian boots: not enforced'),
  trust_sig_enforce: signature('enforced', 'module.sig_enforce=1'),
  trust_lockdown_integrity: signature('in lockdown for integrity', 'lockdown=integrity'),
};
