// SPDX-License-Identifier: GPL-2.0
/* Init fails with -EIO and forgets 1000 bytes and three pages. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static void *small, *large;

static int __init initfail_leaky_init(void)
{
	small = kmalloc(1000, GFP_KERNEL);
	large = vmalloc(3 * PAGE_SIZE);
	pr_err("initfail_leaky: no answer from the device\n");
	return small && large ? -EIO : -ENOMEM;
}

static void __exit initfail_leaky_exit(void)
{
	vfree(large);
	kfree(small);
}

module_init(initfail_leaky_init);
module_exit(initfail_leaky_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Init fails and leaks");
