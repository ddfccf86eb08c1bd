// The dependency directions of ARCHITECTURE.md: arrows go down only.
// cli -> machine -> linux, kmod -> kernel -> cpu, formats. target sits between formats and linux.
const only = (name, from, forbidden, except) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}/`, pathNot: '\\.test\\.ts$|/testing/' },
  to: { path: `^src/(${forbidden})/`, ...(except && { pathNot: `^src/${except}/` }) },
});
// The floors of src/linux, lowest first: an arrow that is more than a type goes down, so there are no circles. What is not listed
// (kernel.ts, the lists of subsystems) stands above all.
const FLOORS = [
  '(errno|memory-map|errors|warn|credentials|holding|interruption|boot-parameters|cpu-features|subsystem)\\.ts$',
  ...'abi kallsyms traps lib mm time sched locking irq x86 printk kobject security drivers fs block crypto module core net'
    .split(' ')
    .map((floor) => `${floor}/`),
];
const floorRules = FLOORS.slice(0, -1).map((floor, i) => ({
  name: `linux-floor-${i}-${floor.replace(/\W.*/, '') || 'base'}`,
  severity: 'error',
  from: { path: `^src/linux/${floor}`, pathNot: '\\.test\\.ts$|/testing/' },
  to: {
    path: `^src/linux/(${FLOORS.slice(i + 1).join('|')}|(kernel|subsystems|base-subsystems|unsupported-parameters)\\.ts$)`,
    dependencyTypesNot: ['type-only'],
  },
}));
module.exports = {
  forbidden: [
    only('files-know-nothing-else', 'files', 'formats|trust|cpu|kernel|target|linux|kmod|kld|check|machine|cli'),
    only('formats-know-nothing-else', 'formats', 'trust|cpu|kernel|target|linux|kmod|kld|check|machine|cli'),
    only('cpu-knows-only-an-address-space', 'cpu', 'conventions|trust|formats|kernel|target|linux|kmod|kld|check|machine|cli'),
    only('target-knows-formats', 'target', 'trust|cpu|kernel|linux|kmod|kld|check|machine|cli', 'cpu/decode'),
    only('trust-knows-formats', 'trust', 'cpu|kernel|target|linux|kmod|kld|check|machine|cli'),
    only('hardware-knows-no-system', 'hardware', 'files|formats|trust|cpu|kernel|conventions|target|linux|freebsd|kmod|kld|check|machine|cli'),
    only('kernel-is-shared', 'kernel', 'hardware|conventions|trust|target|linux|kmod|kld|check|machine|cli'),
    only('conventions-know-the-kernel', 'conventions', 'trust|target|linux|kmod|kld|check|machine|cli'),
    only('linux-is-below-machine', 'linux', 'hardware|freebsd|kmod|kld|check|machine|cli'),
    only('check-boots-nothing', 'check', 'cpu|kernel|machine|cli'),
    {
      name: 'kmod-needs-no-kernel',
      comment: 'error numbers are the one thing that both have',
      severity: 'error',
      from: { path: '^src/kmod/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '^src/(cpu|kernel|linux|kld|check|machine|cli)/', pathNot: '^src/linux/errno\\.ts$' },
    },
    {
      name: 'kld-needs-no-kernel',
      comment: "FreeBSD's userland for modules acts on an interface; nothing of Linux is in it, and error numbers are the one thing that it has of the kernel",
      severity: 'error',
      from: { path: '^src/kld/', pathNot: '\\.test\\.ts$|/testing/' },
      to: {
        path: '^src/(cpu|kernel|conventions|trust|target|linux|freebsd|kmod|check|machine|cli)/',
        pathNot: '^src/freebsd/errno\\.ts$',
      },
    },
    only('machine-is-below-cli', 'machine', 'check|cli|testkit'),
    {
      name: 'testkit-stands-above',
      comment: 'what tests of drivers are made of: nothing else needs it, and of the commands it has how a machine is chosen',
      severity: 'error',
      from: { path: '^src/testkit/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(testkit/|cli/open-machine\\.ts$|index\\.ts$|sim\\.ts$)' },
    },
    only('cli-needs-no-testkit', 'cli', 'testkit'),
    {
      name: 'commands-use-the-facade',
      comment: 'what a command needs the library has: src/index.ts, and for kmod\'s tools src/tools.ts, which starts quickly',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '^(src|node_modules)/', pathNot: '^src/(cli/|index\\.ts$|tools\\.ts$)', dependencyTypesNot: ['core'] },
    },
    {
      name: 'machine-names-no-system',
      comment: "a system's part of the machine is in a folder of its own",
      severity: 'error',
      from: { path: '^src/machine/([^/]+\\.ts$|shell/)', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(conventions|trust|target|linux|freebsd|kmod|kld|machine/linux|machine/freebsd)/' },
    },
    {
      name: 'no-node-in-portable-code',
      comment: 'these folders must also run in a browser',
      severity: 'error',
      from: { path: '^src/(files|formats|trust|cpu|kernel|conventions|linux|freebsd|hardware|kmod|kld|check|machine)/', pathNot: '\\.test\\.ts$|/testing/|/node/' },
      to: { dependencyTypes: ['core'] },
    },
    ...floorRules,
    { name: 'no-circular', severity: 'error', from: { path: '^src/' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
