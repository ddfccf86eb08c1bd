// What modprobe is asked, with which configuration: record.mjs asks kmod 34, a test modbox.
const every = ['hello', 'importer', 'exporter', 'params', 'sleeper', 'built-in-one'];

/** `config`: what -C is given, below config/; `cmdline`: a file with a kernel command line, below config/. */
export const cases = {
  syntax: { config: ['syntax'], runs: [['-c'], ['-D', '-a', 'hello', 'params'], ['-q', '-R', 'a'], ['-R', 'tabbed']] },
  softdeps: {
    config: ['softdeps'],
    runs: [['-c'], ...every.map((name) => ['-D', name]), ['-D', '-i', 'importer'], ['-r', '-n', '-v', '-a', ...every], ['-D', 's-leeper-alias']],
  },
  commands: {
    config: ['commands'],
    runs: [
      ['-c'], ...every.map((name) => ['-D', name, 'given=a b', "quoted='x y'"]), ['-D', '-i', 'hello', 'x=1'], ['-D', 'nowhere-to-be_found', 'y=2'],
      ['-D', 'by-alias'], ['-R', 'only-removed'], ['-D', 'only-removed'], ['-n', '-v', 'params'], ['-r', '-n', '-v', 'hello'], ['-r', '-n', '-v', 'only-removed'],
      ['-r', '-n', '-i', '-v', '-a', 'hello', 'importer'], ['-r', '-D', 'importer'], ['-r', '-D', 'hello'],
    ],
  },
  aliases: {
    config: ['aliases'],
    runs: [
      ['-c'], ['-R', '-a', 'mine', 'mane', 'hello', 'loop', 'to-alias', 'to-builtin', 'to-nothing', 'dots', 'net-pf-10', 'pci:v00008086d1'],
      ['-D', 'mine'], ['-D', '-b', 'mine'], ['-D', '-b', '-a', 'hello', 'exporter', 'importer'], ['-D', 'hello'], ['-D', 'to-alias'], ['-D', 'to-builtin'],
      ['-D', 'to-nothing'], ['-D', 'dots'], ['-D', 'mane', 'x=1'], ['-n', '-v', 'to-nothing'], ['-D', 'nothing'], ['-D', '-a', 'nothing', 'sleeper'],
      ['-D', '-q', 'nothing'], ['-R', 'a]b'], ['-R', 'symbol:modbox_add'], ['-D', 'symbol:modbox_add'], ['-R', 'symbol:nothing'], ['-R', 'fancy-builtin-alias'],
      ['-D', 'fancy-builtin-9x'],
    ],
  },
  options: { config: ['options'], runs: [['-c'], ['-D', '-a', ...every], ['-D', 'importer', 'x=1'], ['-D', 'hello', 'more=1']] },
  precedence: { config: ['first', 'second'], runs: [['-c'], ['-D', 'hello']] },
  reversed: { config: ['second', 'first'], runs: [['-c'], ['-D', 'hello']] },
  file: { config: ['cmdline/plain-file', 'nowhere', 'first/10-same.conf'], runs: [['-c']] },
  cmdline: { config: ['nowhere'], cmdline: 'cmdline/cmdline', runs: [['-c'], ['-D', '-a', 'hello', 'params'], ['-D', '-b', '-a', 'hello', 'sleeper']] },
};
