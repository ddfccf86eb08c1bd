// SPDX-License-Identifier: GPL-2.0
/* Takes a reference to itself and never gives it back. */
#include <linux/module.h>

static int __init faulty_init(void)
{
	__module_get(THIS_MODULE);
	return 0;
}

static void __exit faulty_exit(void)
{
	pr_info("faulty_keeps_reference: exit\n");
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("takes a reference to itself and never gives it back");
