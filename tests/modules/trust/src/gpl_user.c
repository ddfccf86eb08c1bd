// SPDX-License-Identifier: GPL-2.0
/* Uses a symbol of the kernel that is exported to GPL-compatible modules only. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

static int __init gpl_user_init(void)
{
	rcu_barrier();
	return 0;
}

static void __exit gpl_user_exit(void)
{
}

module_init(gpl_user_init);
module_exit(gpl_user_exit);
MODULE_DESCRIPTION("Uses rcu_barrier()");
MODULE_LICENSE("GPL");
