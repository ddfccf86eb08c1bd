// SPDX-License-Identifier: GPL-2.0
/* Finds functions that are not exported, by way of a kprobe. */
#include <linux/kprobes.h>
#include <linux/module.h>

static struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
static struct kprobe missing = { .symbol_name = "modbox_no_such_function" };
static unsigned long (*lookup)(const char *name);

static int __init kprobelookup_init(void)
{
	int err = register_kprobe(&probe);

	pr_info("kprobelookup: %d, %s\n", err, probe.addr ? "found" : "nothing");
	if (err)
		return err;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	pr_info("kprobelookup: sys_call_table %d, init_task %d, nonsense %d, own %d\n", !!lookup("sys_call_table"),
		lookup("init_task") == (unsigned long)&init_task, !!lookup("modbox_no_such_symbol"),
		lookup("kprobelookup_init") == (unsigned long)kprobelookup_init);
	pr_info("kprobelookup: missing %d\n", register_kprobe(&missing));
	return 0;
}

static void __exit kprobelookup_exit(void)
{
}

module_init(kprobelookup_init);
module_exit(kprobelookup_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Finds functions that are not exported");
