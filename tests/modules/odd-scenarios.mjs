// Modules and requests that are wrong in small ways: what the kernel says of each.
const P = '/sys/module/oddparams/parameters';
const set = (name, value) => `echo ${value} > ${P}/${name}`;
const load = (args) => `insmod /mods/oddparams.ko ${args}`;

const oddparams = {
  about: 'permissions that are not allowed, functions that fail or are not there, arguments that are not as they should be',
  modules: ['oddparams', 'params'],
  steps: [
    load(''),
    ...['-rw-rw-r--', '----------', '-rw-r--r--', '-------r--'].map((mode) => `ls -l ${P} | grep -c -- '^${mode}'`),
    `ls ${P}`,
    ...['good', 'by_cast', 'by_world', 'for_nobody', 'high_bits', 'executable', 'sticky', 'all_bits', 'fails', 'no_newline', 'without_set', 'without_get', 'hexes', 'bytes', 'names',
      'nothing', 'text', 'flags'].map((name) => `cat ${P}/${name}`),
    ...['by_world 7', 'for_nobody 7', 'executable 7', 'sticky 7', 'all_bits 7', 'fails enoent', 'fails enospc', 'fails strange', 'without_set 7', 'without_get 7', 'hexes 1,2',
      'bytes 1,2,3,4', 'bytes 1,2,3,4,5', 'bytes 300', 'bytes 1,', 'bytes ,1', 'names a,b,c', 'names "a b,c d"', 'nothing ""', 'text 12345', 'text 123456', 'flags 1,0,1,1', 'flags ,'].map((p) => {
      const at = p.indexOf(' ');
      return set(p.slice(0, at), p.slice(at + 1));
    }),
    ...['hexes', 'bytes', 'names', 'nothing', 'text', 'flags'].map((name) => `cat ${P}/${name}`),
    'rmmod oddparams',
    load('good=1 nonsense good=x other=3 good=2'),
    'rmmod oddparams',
    load('good=x good=3 unknown=1 text=toolong'),
    load('text=toolong good=x'),
    load('fails=enoent good=3'),
    load('fails=enospc'),
    load('fails=strange'),
    load('fails=positive good=x'),
    load('good'),
    load('nothing names'),
    load('-- good=4 -- good=x rest'),
    'rmmod oddparams',
    load('-- good=x -- after'),
    load('-- --'),
    'rmmod oddparams',
    load('-- good=6 --=3'),
    'rmmod oddparams',
    load('=value good=9 ='),
    'rmmod oddparams',
    load('nothing= good=9'),
    `cat ${P}/nothing`,
    'rmmod oddparams',
    load('nothing=a=b=c'),
    `cat ${P}/nothing`,
    'rmmod oddparams',
    load('async_probe'),
    'rmmod oddparams',
    load('async_probe=maybe async-probe=1'),
    'rmmod oddparams',
    load('dyndbg=+p dyndbg oddparams.dyndbg=+p'),
    'rmmod oddparams',
    load('oddparams.good=3 oddparams_good=4'),
    'rmmod oddparams',
    load('GOOD=3 goo=3 good_=3'),
    'rmmod oddparams',
    load('fails=positive'),
    'rmmod oddparams',
    load('by_cast=1 by-world=9'),
    `cat ${P}/by_world`,
    'rmmod oddparams',
    load('bytes=1,2,3,4,5'),
    load('bytes='),
    load('names=a'),
    `cat ${P}/names`,
    'rmmod oddparams',
    load(`nothing=${'n'.repeat(1024)}`),
    'rmmod oddparams',
    load(`nothing=${'n'.repeat(1025)}`),
    'insmod /mods/params.ko a_byte=300 a_short=1 percent=300 colour=pink dangerous=1',
    'cat /proc/sys/kernel/tainted',
    load('without-set=7'),
  ],
};

const BUILT_IN = '/sys/module/printk/parameters';
const builtinparams = {
  about: 'parameters of the kernel\'s own parts, and of modules on the command line',
  modules: [],
  variants: ['builtin-name'],
  cmdline: 'printk.time=0 printk.console_suspend=n workqueue.power_efficient=1 module_blacklist=none',
  steps: [
    `ls ${BUILT_IN}`,
    `ls -l ${BUILT_IN} | grep -c -- '^-rw-r--r--'`,
    `cat ${BUILT_IN}/time ${BUILT_IN}/ignore_loglevel ${BUILT_IN}/console_suspend`,
    `echo 1 > ${BUILT_IN}/ignore_loglevel`,
    `cat ${BUILT_IN}/ignore_loglevel`,
    `echo maybe > ${BUILT_IN}/ignore_loglevel`,
    'ls /sys/module/kernel/parameters /sys/module/module/parameters /sys/module/printk /sys/module/workqueue/parameters',
    'cat /sys/module/workqueue/parameters/power_efficient /sys/module/kernel/parameters/consoleblank /sys/module/kernel/parameters/module_blacklist',
    'echo 7 > /sys/module/kernel/parameters/pause_on_oops; cat /sys/module/kernel/parameters/pause_on_oops',
    'echo x > /sys/module/kernel/parameters/pause_on_oops',
    'insmod /mods/builtin-name.ko',
    'lsmod',
  ],
};

const logcases = {
  about: 'long lines of the log, lines in pieces, odd characters',
  modules: ['logcases'],
  steps: [0, 1, 2, 3, 5, 4].flatMap((mode) => [`insmod /mods/logcases.ko mode=${mode}`, 'rmmod logcases']),
};

/** Each in a kernel of its own would be a boot each: those that the kernel comes through well. */
const leavesodd = {
  about: 'functions that leave preemption, interrupts or locks as they should not',
  modules: ['leavesodd'],
  steps: [
    ...[1, 2, 3, 4, 6, 7, 8, 9, 15, 14, 13].flatMap((what) => [`insmod /mods/leavesodd.ko in_init=${what}`, 'grep -c leavesodd /proc/modules', 'rmmod leavesodd']),
  ],
};
const leavesodd_exit = {
  about: 'exit functions that leave preemption, interrupts or locks as they should not',
  modules: ['leavesodd'],
  steps: [
    ...[1, 2, 3, 4, 9, 15].flatMap((what) => [`insmod /mods/leavesodd.ko in_exit=${what}`, 'rmmod leavesodd', 'cat /proc/modules']),
  ],
};

const words = (modes) => ({
  about: 'what the allocators say of requests that are wrong',
  modules: ['allocwords'],
  steps: [...modes.flatMap((mode) => [`insmod /mods/allocwords.ko mode=${mode}`, 'rmmod allocwords']), 'cat /proc/sys/kernel/tainted'],
});

const kprobelookup = {
  about: 'a kprobe without handlers finds what is not exported',
  modules: ['kprobelookup'],
  steps: ['insmod /mods/kprobelookup.ko', 'rmmod kprobelookup'],
};

export const oddScenarios = {
  oddparams, builtinparams, kprobelookup, logcases, leavesodd, leavesodd_exit,
  allocwords_limits: words([1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]),
  allocwords_caches: words([50, 51, 52, 53, 54, 20, 21]),
  allocwords_vfree: words([22, 24, 25]),
  allocwords_work: words([32, 33, 34]),
  allocwords_thread: words([40]),
};
