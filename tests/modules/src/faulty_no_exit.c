// SPDX-License-Identifier: GPL-2.0
/* Has an init function and no exit function: it cannot be removed. */
#include <linux/module.h>

static int __init faulty_init(void)
{
	pr_info("faulty_no_exit: here to stay\n");
	return 0;
}

module_init(faulty_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("has an init function and no exit function: it cannot be removed");
