// SPDX-License-Identifier: GPL-2.0
/* Uses what provider exports to everybody. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

int trust_plain(void);

static int __init plain_user_init(void)
{
	pr_info("plain_user: %d\n", trust_plain());
	return 0;
}

static void __exit plain_user_exit(void)
{
}

module_init(plain_user_init);
module_exit(plain_user_exit);
MODULE_DESCRIPTION("Uses a function of provider");
MODULE_LICENSE("GPL");
