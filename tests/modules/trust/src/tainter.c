// SPDX-License-Identifier: GPL-2.0
/* Taints the kernel in the ways that a module can by itself. */
#include <linux/module.h>
#include <linux/kernel.h>

static int flag = -1;
module_param(flag, int, 0);
static bool unreliable;
module_param(unreliable, bool, 0);
static int warn = -1;
module_param(warn, int, 0);

static int danger;
module_param_unsafe(danger, int, 0644);
static int port;
module_param_hw(port, int, ioport, 0644);

static int __init tainter_init(void)
{
	if (flag >= 0)
		add_taint(flag, unreliable ? LOCKDEP_NOW_UNRELIABLE : LOCKDEP_STILL_OK);
	if (warn == TAINT_FIRMWARE_WORKAROUND)
		WARN_TAINT(1, TAINT_FIRMWARE_WORKAROUND, "tainter: the firmware is wrong\n");
	if (warn == TAINT_CRAP)
		WARN_TAINT_ONCE(1, TAINT_CRAP, "tainter: this is crap\n");
	if (warn == TAINT_WARN)
		WARN_ON(1);
	pr_info("tainter: warned %d, died %d\n", test_taint(TAINT_WARN), test_taint(TAINT_DIE));
	return 0;
}

static void __exit tainter_exit(void)
{
}

module_init(tainter_init);
module_exit(tainter_exit);
MODULE_DESCRIPTION("Taints the kernel");
MODULE_LICENSE("GPL");
