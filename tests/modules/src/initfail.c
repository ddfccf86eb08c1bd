// SPDX-License-Identifier: GPL-2.0
/* Finds no hardware: gives everything back and init returns -ENODEV (or what the parameter says). */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static int error = 19;
module_param(error, int, 0444);
MODULE_PARM_DESC(error, "the errno that init fails with; -1 returns +1, which modules should not");

static int __init initfail_init(void)
{
	struct proc_dir_entry *dir;
	void *small, *large;
	int ret = -ENOMEM;

	small = kmalloc(100, GFP_KERNEL);
	if (!small)
		return -ENOMEM;
	large = vmalloc(3 * PAGE_SIZE);
	if (!large)
		goto free_small;
	dir = proc_mkdir("modboxfail", NULL);
	if (!dir)
		goto free_large;
	pr_err("initfail: no such hardware\n");
	proc_remove(dir);
	ret = -error;
free_large:
	vfree(large);
free_small:
	kfree(small);
	return ret;
}

static void __exit initfail_exit(void)
{
	pr_info("initfail: the exit function runs\n");
}

module_init(initfail_init);
module_exit(initfail_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Init fails and cleans up");
