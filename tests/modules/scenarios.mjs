// What is done with each module, step by step: shell commands, each with an exit status, output and log lines of its own.
// record.mjs runs them on the real kernel; the tests run the same ones on modbox.
// A step that another user takes, or root without a capability, is `{ run, as: UID }` or `{ run, without: CAPABILITY }`.
import { oddScenarios } from './odd-scenarios.mjs';
import { trustScenarios } from './trust/scenarios.mjs';

const P = (m) => `/sys/module/${m}/parameters`;
const sys = '/sys/kernel/modbox';
const dbg = '/sys/kernel/debug/modbox';

export const scenarios = {
  forced: {
    about: 'loaded and removed by force: what that taints',
    modules: ['hello', 'importer', 'exporter', 'faulty_no_exit', 'faulty_keeps_reference'],
    steps: [
      'insmod -f /mods/importer.ko',
      'cat /proc/sys/kernel/tainted',
      'insmod -f /mods/hello.ko',
      'grep hello /proc/modules',
      'insmod /mods/exporter.ko',
      'cat /proc/modules',
      'insmod -f /mods/importer.ko',
      'cat /sys/module/importer/taint',
      'rmmod -f exporter',
      'rmmod -f importer',
      'rmmod hello',
      'cat /proc/sys/kernel/tainted',
      'insmod /mods/faulty_no_exit.ko',
      'rmmod faulty_no_exit',
      'rmmod -f faulty_no_exit',
      'cat /proc/sys/kernel/tainted',
      'insmod /mods/faulty_keeps_reference.ko',
      'rmmod faulty_keeps_reference',
      'rmmod -f faulty_keeps_reference',
      'rmmod -f nothing',
      'cat /proc/modules',
      'cat /proc/sys/kernel/tainted',
    ],
  },
  blacklisted: {
    about: 'module_blacklist= of the kernel command line',
    modules: ['hello', 'exporter', 'importer'],
    cmdline: 'module_blacklist=nothing,hello,import',
    steps: [
      'insmod /mods/hello.ko',
      'insmod /mods/exporter.ko',
      'insmod /mods/importer.ko',
      'insmod -f /mods/hello.ko',
      'cat /proc/modules',
    ],
  },
  hello: {
    about: 'load with parameters, look, change a parameter, unload',
    modules: ['hello'],
    steps: [
      'insmod /mods/hello.ko',
      'cat /proc/modules',
      'rmmod hello',
      'cat /proc/modules',
      'insmod /mods/hello.ko count=3 whom=modbox shout numbers=10,20,30,40',
      `cat ${P('hello')}/count ${P('hello')}/whom ${P('hello')}/shout ${P('hello')}/numbers`,
      `echo 5 > ${P('hello')}/count`,
      `cat ${P('hello')}/count`,
      `echo five > ${P('hello')}/count`,
      'cat /sys/module/hello/version /sys/module/hello/refcnt /sys/module/hello/initstate /sys/module/hello/taint /sys/module/hello/coresize /sys/module/hello/initsize',
      'ls /sys/module/hello',
      'insmod /mods/hello.ko',
      'rmmod hello',
      'rmmod hello',
      'insmod /mods/hello.ko whom="two words" shout=0',
      'rmmod hello',
      'insmod /mods/hello.ko count=many',
      'insmod /mods/hello.ko numbers=1,2,3,4,5',
      'insmod /mods/hello.ko shout=maybe',
      'insmod /mods/hello.ko count',
      'insmod /mods/hello.ko nonsense=1 other',
      'rmmod hello',
      'cat /proc/sys/kernel/tainted',
    ],
  },
  params: {
    about: 'every standard parameter type, good and bad values, permissions',
    modules: ['params'],
    steps: [
      'insmod /mods/params.ko',
      `ls ${P('params')}`,
      ...['a_byte', 'a_short', 'a_ushort', 'an_int', 'a_uint', 'a_long', 'a_ulong', 'a_ullong', 'a_hexint', 'a_charp', 'a_bool', 'an_invbool', 'a_bint',
        'once', 'outer_name', 'three_shorts', 'words', 'toggles', 'buffer', 'colour', 'percent'].map((p) => `cat ${P('params')}/${p}`),
      ...['a_byte 255', 'a_byte 256', 'a_byte -1', 'a_short -32768', 'a_short 32768', 'a_ushort 65535', 'a_ushort 65536', 'an_int 0x10', 'an_int 010',
        'an_int 2147483648', 'an_int ""', 'a_uint 4294967296', 'a_long -9223372036854775808', 'a_ulong 18446744073709551615', 'a_ullong 18446744073709551616',
        'a_hexint 255', 'a_charp changed', 'a_bool y', 'a_bool maybe', 'an_invbool y', 'a_bint Y', 'once 1', 'once 0', 'three_shorts 7,8', 'three_shorts 1,2,3,4',
        'three_shorts 1,x', 'toggles 1,0,1', 'buffer 123456789', 'buffer 1234567890', 'colour blue', 'colour yellow', 'percent 100', 'percent 101',
        'flag 1', 'write_only 8', 'private 9', 'dangerous 1'].map((p) => {
        const [name, value] = p.split(' ');
        return `echo ${value} > ${P('params')}/${name}`;
      }),
      ...['a_byte', 'an_int', 'a_long', 'a_hexint', 'a_charp', 'an_invbool', 'a_bint', 'once', 'three_shorts', 'toggles', 'buffer', 'colour', 'percent', 'private'].map((p) => `cat ${P('params')}/${p}`),
      'cat /proc/sys/kernel/tainted',
      'rmmod params',
      'insmod /mods/params.ko a_byte=1 a_short=-2 a_ushort=3 an_int=-4 a_uint=5 a_long=-6 a_ulong=7 a_ullong=8 a_hexint=0x9 a_charp=ten a_bool an_invbool=1 a_bint=on once',
      'rmmod params',
      'insmod /mods/params.ko hidden=5 write_only=6 outer_name=7 three_shorts=9 words=one,two,three toggles=1,n,Y,0 buffer=abc colour=red flag percent=7',
      `cat ${P('params')}/words`,
      'rmmod params',
      'insmod /mods/params.ko internal_name=5',
      'rmmod params',
      'insmod /mods/params.ko an-int=12 a-charp=dashes',
      `cat ${P('params')}/an_int ${P('params')}/a_charp`,
      'rmmod params',
      'insmod /mods/params.ko a_byte=300',
      'insmod /mods/params.ko words=1,2,3,4,5',
      'insmod /mods/params.ko buffer=much_too_long_for_it',
      'insmod /mods/params.ko colour=yellow',
      'insmod /mods/params.ko percent=200',
      'insmod /mods/params.ko an_int',
      'insmod /mods/params.ko flag=5 dangerous=2',
      'rmmod params',
    ],
  },
  chardev: {
    about: 'character devices: read, write, append, seek, ioctl, poll, waiting and not waiting, removal while open',
    modules: ['chardev'],
    steps: [
      'insmod /mods/chardev.ko size=32',
      'grep modbox /proc/devices | wc -l',
      'ls /dev/modboxmem /dev/modboxpipe /sys/class/modboxchar',
      'cat /dev/modboxmem',
      'echo hello > /dev/modboxmem',
      'cat /dev/modboxmem',
      'echo more >> /dev/modboxmem',
      'cat /dev/modboxmem',
      'wc -c /dev/modboxmem',
      'echo this line is longer than the memory of the device > /dev/modboxmem',
      'cat /dev/modboxmem',
      'sys read /dev/modboxmem 4 at=5',
      'sys read /dev/modboxmem 4 at=33',
      'sys write /dev/modboxmem XY at=0',
      'sys write /dev/modboxmem XY at=32',
      'sys read /dev/modboxmem 4',
      'sys read /dev/modboxmem 4 to=0x8',
      'sys write /dev/modboxmem text from=0x8',
      'sys ioctl /dev/modboxmem 0x80046d01 hex:00000000',
      'sys ioctl /dev/modboxmem 0x40046d02 hex:05000000',
      'sys ioctl /dev/modboxmem 0x40046d02 hex:ff000000',
      'sys ioctl /dev/modboxmem 0xc0086d04 hex:0000000004000000',
      'sys ioctl /dev/modboxmem 0xc0086d04 hex:0300000004000000',
      'cat /dev/modboxmem',
      'sys ioctl /dev/modboxmem 0x80046d01 0x10',
      'sys ioctl /dev/modboxmem 0x6d03',
      'sys ioctl /dev/modboxmem 0x6d09',
      'cat /dev/modboxmem',
      'sys poll /dev/modboxmem 0',
      'sys poll /dev/modboxpipe 0',
      'sys read /dev/modboxpipe 8 nonblock',
      'cat /dev/modboxpipe',
      'echo through the pipe > /dev/modboxpipe',
      'sys poll /dev/modboxpipe 0',
      'sys read /dev/modboxpipe 7',
      'sys read /dev/modboxpipe 64 nonblock',
      'sys read /dev/modboxpipe 8 at=1',
      'sys ioctl /dev/modboxpipe 0x6d03',
      'sleep 0.3 < /dev/modboxmem & sleep 0.1; cat /sys/module/chardev/refcnt; rmmod chardev; wait',
      'rmmod chardev',
      'ls /dev/modboxmem',
    ],
  },
  miscdev: {
    about: 'a misc device: read, write, errors',
    modules: ['miscdev'],
    steps: [
      'insmod /mods/miscdev.ko',
      'ls /sys/class/misc/modboxmisc',
      'grep -c modboxmisc /proc/misc',
      'cat /sys/class/misc/modboxmisc/uevent | grep -v MINOR',
      'cat /dev/modboxmisc',
      'cat /dev/modboxmisc',
      'echo a line of text > /dev/modboxmisc',
      'sys read /dev/modboxmisc 3',
      'sys read /dev/modboxmisc 32 to=0x10',
      'sys write /dev/modboxmisc text from=0xffff888000000000',
      'rmmod miscdev',
      'cat /dev/modboxmisc',
    ],
  },
  procseq: {
    about: '/proc files: a seq_file over a list, a single one, writable ones',
    modules: ['procseq'],
    steps: [
      'insmod /mods/procseq.ko',
      'cat /proc/modboxseq',
      'ls /proc/modbox',
      'cat /proc/modbox/single',
      'cat /proc/modbox/value',
      'echo another item > /proc/modboxseq',
      'echo "a tab	and a \\\\ backslash" > /proc/modboxseq',
      'cat /proc/modboxseq',
      'head -n 2 /proc/modboxseq',
      'sys read /proc/modboxseq 20 at=5',
      'echo > /proc/modboxseq',
      'echo clear > /proc/modboxseq',
      'cat /proc/modboxseq',
      'echo -7 > /proc/modbox/value',
      'cat /proc/modbox/value',
      'echo 0x1F > /proc/modbox/value',
      'cat /proc/modbox/value',
      'echo seven > /proc/modbox/value',
      'echo 1 > /proc/modbox/single',
      'cat /proc/modbox/single',
      'rmmod procseq',
      'cat /proc/modboxseq',
      'insmod /mods/procseq.ko lines=400',
      'cat /proc/modboxseq | wc',
      'rmmod procseq',
    ],
  },
  sysfsattrs: {
    about: '/sys attributes: show and store, a group, visibility, a binary one, a link',
    modules: ['sysfsattrs'],
    steps: [
      'insmod /mods/sysfsattrs.ko',
      `ls ${sys} ${sys}/tuning`,
      `cat ${sys}/number ${sys}/text ${sys}/where`,
      `echo 99 > ${sys}/number`,
      `echo ninety > ${sys}/number`,
      `cat ${sys}/number`,
      `echo some new text > ${sys}/text`,
      `cat ${sys}/text`,
      `cat ${sys}/trigger`,
      `echo now > ${sys}/trigger`,
      `echo fail > ${sys}/trigger`,
      `echo 1 > ${sys}/where`,
      `cat ${sys}/tuning/enabled`,
      `echo on > ${sys}/tuning/enabled`,
      `cat ${sys}/tuning/enabled`,
      `sys write ${sys}/tuning/blob 0123456789`,
      `sys write ${sys}/tuning/blob abcdef at=12`,
      `sys read ${sys}/tuning/blob 100`,
      `sys read ${sys}/tuning/blob 4 at=10`,
      `sys write ${sys}/tuning/blob x at=16`,
      `ls ${sys}/module/parameters ${sys}/module/holders`,
      `cat ${sys}/module/initstate`,
      'rmmod sysfsattrs',
      `ls ${sys}`,
    ],
  },
  debugfsmod: {
    about: 'debugfs files of every ready-made kind',
    modules: ['debugfsmod'],
    steps: [
      'insmod /mods/debugfsmod.ko',
      `ls ${dbg} ${dbg}/sub`,
      ...['u8', 'u16', 'u32', 'u64', 'x32', 'size', 'ulong', 'bool', 'atomic', 'blob', 'array', 'sub/report', 'sub/fahrenheit', 'link'].map((f) => `cat ${dbg}/${f}`),
      `echo 255 > ${dbg}/u8`, `echo 256 > ${dbg}/u8`, `echo 0x10 > ${dbg}/u32`, `echo N > ${dbg}/bool`, `echo x > ${dbg}/u64`, `echo 9 > ${dbg}/size`, `echo -5 > ${dbg}/atomic`,
      `echo 212 > ${dbg}/sub/fahrenheit`, `echo 10 > ${dbg}/sub/fahrenheit`,
      ...['u8', 'u32', 'bool', 'atomic', 'sub/report', 'sub/fahrenheit'].map((f) => `cat ${dbg}/${f}`),
      'rmmod debugfsmod',
      `ls ${dbg}`,
    ],
  },
  kthread_wait: {
    about: 'a kernel thread with wait queue and completion, stopped on exit',
    modules: ['kthread_wait'],
    steps: ['insmod /mods/kthread_wait.ko', 'ps | grep -c "[m]odbox/0"', 'rmmod kthread_wait', 'ps | grep -c "[m]odbox/0"', 'insmod /mods/kthread_wait.ko rounds=0', 'rmmod kthread_wait'],
  },
  sleeper: {
    about: 'threads that sleep; recorded with rounds of a second, and removal in the midst of an hour',
    modules: ['sleeper'],
    steps: ['insmod /mods/sleeper.ko seconds=1 rounds=2', 'sleep 4', 'cat /sys/module/sleeper/parameters/done', 'rmmod sleeper', 'insmod /mods/sleeper.ko', 'sleep 1.5', 'rmmod sleeper'],
  },
  workq_timer: {
    about: 'workqueue, delayed work, timer, hrtimer, tasklet',
    modules: ['workq_timer'],
    steps: ['insmod /mods/workq_timer.ko', 'sleep 1', 'rmmod workq_timer'],
  },
  exporter_importer: {
    about: 'one module uses the exports of another: order, reference counts, refusal',
    modules: ['exporter', 'importer'],
    steps: [
      'insmod /mods/importer.ko',
      'insmod /mods/exporter.ko',
      'insmod /mods/importer.ko',
      'cat /proc/modules',
      'ls /sys/module/exporter/holders',
      'cat /sys/module/exporter/refcnt',
      'rmmod exporter',
      'rmmod importer',
      'cat /proc/modules',
      'rmmod exporter',
    ],
  },
  notifier: {
    about: 'notifier chains, and the kernel\'s for modules while another comes and goes',
    modules: ['notifier', 'initfail'],
    steps: ['insmod /mods/notifier.ko', 'insmod /mods/hello.ko', 'rmmod hello', 'insmod /mods/initfail.ko', 'rmmod notifier', 'insmod /mods/hello.ko'],
  },
  initfail: {
    about: 'init fails with errnos of its choice',
    modules: ['initfail'],
    steps: ['insmod /mods/initfail.ko', 'cat /proc/modules', 'insmod /mods/initfail.ko error=16', 'insmod /mods/initfail.ko error=17', 'insmod /mods/initfail.ko error=2',
      'insmod /mods/initfail.ko error=12', 'insmod /mods/initfail.ko error=517', 'insmod /mods/initfail.ko error=0', 'rmmod initfail'],
  },
  initfail_leaky: {
    about: 'init fails and leaks; nothing shows on the real kernel',
    modules: ['initfail_leaky'],
    steps: ['insmod /mods/initfail_leaky.ko', 'cat /proc/modules'],
  },
  ...Object.fromEntries(['libuser_string', 'libuser_printf', 'libuser_mem', 'libuser_data', 'lockuser', 'timeuser'].map((m) => [m, {
    about: 'the log tells what the kernel\'s functions gave',
    modules: [m],
    steps: [`insmod /mods/${m}.ko`, `rmmod ${m}`],
  }])),
  digests: {
    about: 'hashes and a cipher that are built in, a hash of the module itself, and what is made of them',
    modules: ['digests'],
    steps: ['insmod /mods/digests.ko', "grep -E ': (modbox|md5|hmac.m|digests$|sha224|aes)' /proc/crypto", 'rmmod digests', 'grep modbox /proc/crypto'],
  },
  usercopy: {
    about: 'copies to and from user memory, good and bad',
    modules: ['usercopy'],
    steps: [
      'insmod /mods/usercopy.ko',
      'echo try it all > /dev/modboxcopy',
      'cat /dev/modboxcopy',
      'sys read /dev/modboxcopy 64 to=0x1000',
      'sys read /dev/modboxcopy 64 to=0xffff888000000000',
      'sys write /dev/modboxcopy text from=0',
      'sys ioctl /dev/modboxcopy 0x80086301 hex:0000000000000000',
      'sys ioctl /dev/modboxcopy 0x80086301 0',
      'sys ioctl /dev/modboxcopy 0x80086301 0xffffffff81000000',
      'sys ioctl /dev/modboxcopy 0x80086301 0x8000000000000000',
      'sys ioctl /dev/modboxcopy 0x40086302 hex:2a00000000000000',
      'sys ioctl /dev/modboxcopy 0x40086302 0x7ffffffff000',
      'sys ioctl /dev/modboxcopy 0x40016303 hex:6d6f64626f7800',
      'sys ioctl /dev/modboxcopy 0x40016303 8',
      'rmmod usercopy',
    ],
  },
  tagsets: {
    about: 'tag sets, limits of queues, and disks that come and go',
    modules: ['tagsets'],
    steps: ['insmod /mods/tagsets.ko', 'rmmod tagsets'],
  },
  wpoff: {
    about: 'read-only data is written to with CR0.WP cleared',
    modules: ['wpoff'],
    steps: ['insmod /mods/wpoff.ko', 'rmmod wpoff'],
  },
  userkinds: {
    about: 'user memory reached without the functions for it, and copies of what must not be copied (usercopy hardening)',
    modules: ['userkinds'],
    steps: ['insmod /mods/userkinds.ko', ...[...'labcdefghijkmnoABCDEFGHIJKMNOPQR'].map((what) => `echo ${what}12345${'0'.repeat(what < 'a' ? 200 : 0)} > /proc/modbox_user`)],
  },
};

/** After a fault the kernel must go on: the same steps for each faulty module. */
const stillAlive = ['insmod /mods/hello.ko whom=survivors', 'rmmod hello'];

const faulty = (name, extra = {}) => {
  const module = `faulty_${name}`;
  const steps = extra.steps ?? [`insmod /mods/${module}.ko`, 'grep faulty_ /proc/modules', `rmmod ${module}`];
  scenarios[module] = {
    about: 'a fault: see the module\'s description', modules: [module], ...extra,
    steps: extra.dies ? steps : [...steps, ...stillAlive, 'cat /proc/sys/kernel/tainted'],
  };
};

// In init.
for (const name of ['null_read', 'null_write', 'wild_read', 'noncanonical', 'user_read', 'wild_jump', 'call_null', 'rodata_write', 'text_write', 'exec_data', 'exec_user',
  'bug', 'ud2', 'warn', 'warn_once', 'div_zero', 'sleep_in_atomic', 'sleep_in_timer', 'mutex_unlock', 'leak_kmalloc', 'leak_vmalloc', 'leak_pages', 'leak_cache', 'double_free', 'free_static',
  'free_middle', 'uaf_read', 'uaf_write', 'slab_overflow', 'slab_underflow', 'slab_overread', 'vmalloc_overflow', 'fortify', 'refcount', 'module_put', 'list_del', 'list_add',
  'preempt_count', 'spin_left_locked', 'irqs_off', 'use_of_init', 'init_returns_positive', 'no_exit', 'keeps_reference', 'exit_null', 'notifier_left', 'misc_left', 'proc_left', 'sysfs_left'])
  faulty(name);

// While in use: the module is live then, and can be removed.
for (const name of ['null_read', 'wild_jump', 'bug', 'use_of_init', 'rodata_write', 'sleep_in_atomic', 'preempt_count']) {
  const module = `faulty_${name}`;
  scenarios[`${module}_on_write`] = {
    about: 'the fault happens in a write to the module\'s device',
    modules: [module],
    steps: [`insmod /mods/${module}.ko on_write=1`, 'echo go > /dev/modboxfault', 'grep faulty_ /proc/modules', `rmmod ${module}`, ...stillAlive, 'cat /proc/sys/kernel/tainted'],
  };
}

// That hang, one task or more. The hung task detector tells after five seconds instead of two minutes.
const hung = { setup: 'echo 2 > /proc/sys/kernel/hung_task_warnings; echo 5 > /proc/sys/kernel/hung_task_timeout_secs; echo 1 > /proc/sys/kernel/hung_task_check_interval_secs', limit: 12 };
faulty('mutex_deadlock', { ...hung, steps: ['insmod /mods/faulty_mutex_deadlock.ko', 'grep faulty_ /proc/modules', 'rmmod faulty_mutex_deadlock'] });
faulty('endless_wait', { ...hung, steps: ['insmod /mods/faulty_endless_wait.ko', 'grep faulty_ /proc/modules', 'rmmod faulty_endless_wait'] });
faulty('abba_deadlock', { ...hung, steps: ['insmod /mods/faulty_abba_deadlock.ko', 'sleep 8', 'grep faulty_ /proc/modules'] });

// That the kernel does not survive, or goes on in freed code: what it says is taken from its console.
for (const name of ['stack_overflow', 'stack_smash', 'panic']) faulty(name, { dies: true, steps: [`insmod /mods/faulty_${name}.ko`] });
for (const name of ['endless_loop', 'spin_deadlock']) faulty(name, { dies: true, atMost: 75, steps: [`insmod /mods/faulty_${name}.ko`] });
for (const name of ['kthread_left', 'timer_left', 'work_left'])
  faulty(name, { dies: true, steps: [`insmod /mods/faulty_${name}.ko`, 'sleep 1', `rmmod faulty_${name}`, 'sleep 2', ...stillAlive, 'cat /proc/sys/kernel/tainted'] });
// Left behind in /proc, /sys, /dev: the kernel falls over what is gone when it is used.
faulty('proc_left', { steps: ['insmod /mods/faulty_proc_left.ko', 'cat /proc/modboxleft', 'rmmod faulty_proc_left', 'cat /proc/modboxleft'] });
faulty('sysfs_left', { steps: ['insmod /mods/faulty_sysfs_left.ko', 'cat /sys/kernel/modboxleft/left', 'rmmod faulty_sysfs_left', 'cat /sys/kernel/modboxleft/left'] });
faulty('misc_left', { steps: ['insmod /mods/faulty_misc_left.ko', 'cat /dev/modboxleft', 'rmmod faulty_misc_left', 'cat /dev/modboxleft'] });
faulty('notifier_left', { steps: ['insmod /mods/faulty_notifier_left.ko', 'insmod /mods/hello.ko', 'rmmod hello', 'rmmod faulty_notifier_left'] });

Object.assign(scenarios, trustScenarios, oddScenarios);
