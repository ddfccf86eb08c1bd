// SPDX-License-Identifier: GPL-2.0
/* Reads NULL in its exit function. */
#include <linux/module.h>

static int __init faulty_init(void)
{
	return 0;
}

static void __exit faulty_exit(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	pr_info("faulty_exit_null: %d\n", *p);
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reads NULL in its exit function");
