/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module with one fault, and where it happens: in init, or with on_write=1 when something is written to
 * /dev/modboxfault, so that the module is live then and can be removed afterwards.
 */
#ifndef FAULTY_H
#define FAULTY_H
#include <linux/compiler.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/printk.h>

/* A value that the compiler cannot see through: it must not notice the fault. */
#define HIDE(x) ({ typeof(x) hidden_ = (x); OPTIMIZER_HIDE_VAR(hidden_); hidden_; })

/* A function of its own in the machine code, called as it is written. */
#define APART __attribute__((noipa))

#define FAULTY_MODULE(fault, description)							\
static bool on_write;										\
module_param(on_write, bool, 0444);								\
MODULE_PARM_DESC(on_write, "wait for a write to /dev/modboxfault");				\
												\
static ssize_t fault_write(struct file *file, const char __user *from, size_t count, loff_t *pos)	\
{												\
	fault();										\
	pr_info("%s: survived\n", KBUILD_MODNAME);						\
	return count;										\
}												\
												\
static const struct file_operations fault_fops = { .owner = THIS_MODULE, .write = fault_write };	\
static struct miscdevice fault_misc = { .minor = MISC_DYNAMIC_MINOR, .name = "modboxfault", .fops = &fault_fops };	\
												\
static int __init faulty_init(void)								\
{												\
	if (on_write)										\
		return misc_register(&fault_misc);						\
	fault();										\
	pr_info("%s: survived\n", KBUILD_MODNAME);						\
	return 0;										\
}												\
												\
static void __exit faulty_exit(void)								\
{												\
	if (on_write)										\
		misc_deregister(&fault_misc);							\
}												\
												\
module_init(faulty_init);									\
module_exit(faulty_exit);									\
MODULE_LICENSE("GPL");										\
MODULE_DESCRIPTION(description)

#endif
