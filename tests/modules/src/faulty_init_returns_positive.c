// SPDX-License-Identifier: GPL-2.0
/* Init returns a positive number, as modules should not. */
#include <linux/module.h>

static int __init faulty_init(void)
{
	return 5;
}

static void __exit faulty_exit(void)
{
	pr_info("faulty_init_returns_positive: exit\n");
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("init returns a positive number, as modules should not");
