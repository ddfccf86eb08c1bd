// SPDX-License-Identifier: GPL-2.0
/* Uses what provider exports in a namespace, which it imports. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

int trust_spaced(void);

static int __init spaced_user_init(void)
{
	pr_info("spaced_user: %d\n", trust_spaced());
	return 0;
}

static void __exit spaced_user_exit(void)
{
}

module_init(spaced_user_init);
module_exit(spaced_user_exit);
MODULE_IMPORT_NS(TRUST);
MODULE_DESCRIPTION("Uses a function of provider");
MODULE_LICENSE("GPL");
