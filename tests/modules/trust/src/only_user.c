// SPDX-License-Identifier: GPL-2.0
/* Uses what provider exports to GPL-compatible modules. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

int trust_gpl(void);

static int __init only_user_init(void)
{
	pr_info("only_user: %d\n", trust_gpl());
	return 0;
}

static void __exit only_user_exit(void)
{
}

module_init(only_user_init);
module_exit(only_user_exit);
MODULE_DESCRIPTION("Uses a function of provider");
MODULE_LICENSE("GPL");
