// SPDX-License-Identifier: GPL-2.0
/* The least a module can be: what its file says of it is changed by variants.mjs and sign.sh. */
#include <linux/init.h>
#include <linux/module.h>

static int __init trustme_init(void)
{
	pr_info("trustme: here\n");
	return 0;
}

static void __exit trustme_exit(void)
{
}

module_init(trustme_init);
module_exit(trustme_exit);
MODULE_DESCRIPTION("Says that it was let in");
MODULE_LICENSE("GPL");
