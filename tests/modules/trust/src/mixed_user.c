// SPDX-License-Identifier: GPL-2.0
/* Uses what provider exports to everybody, and a GPL-only symbol of the kernel. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

int trust_plain(void);

static int __init mixed_user_init(void)
{
	rcu_barrier();
	pr_info("mixed_user: %d\n", trust_plain());
	return 0;
}

static void __exit mixed_user_exit(void)
{
}

module_init(mixed_user_init);
module_exit(mixed_user_exit);
MODULE_DESCRIPTION("Uses a function of provider");
MODULE_LICENSE("GPL");
