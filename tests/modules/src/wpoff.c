// SPDX-License-Identifier: GPL-2.0
/* Writes to its own read-only data: rightly refused, and after it has cleared CR0.WP as live patches and rootkits do. */
#include <linux/init.h>
#include <linux/module.h>

static int by_kernel;
module_param(by_kernel, int, 0);
MODULE_PARM_DESC(by_kernel, "1: with write_cr0(), which keeps write protection");

static const int constant = 1;

static void set_cr0(unsigned long value)
{
	unsigned long order;

	asm volatile("mov %1, %%cr0" : "+m"(order) : "r"(value) : "memory");
}

static noinline void change(void)
{
	int *at = (int *)&constant;

	OPTIMIZER_HIDE_VAR(at);
	*at = 2;
}

static int __init wpoff_init(void)
{
	return 0;
}

static void __exit wpoff_exit(void)
{
	unsigned long cr0 = read_cr0();

	if (by_kernel)
		write_cr0(cr0 & ~X86_CR0_WP);
	else
		set_cr0(cr0 & ~X86_CR0_WP);
	pr_info("wpoff: write protection is %s\n", read_cr0() & X86_CR0_WP ? "on" : "off");
	change();
	set_cr0(cr0);
	pr_info("wpoff: the constant is %d\n", READ_ONCE(*(int *)&constant));
}

module_init(wpoff_init);
module_exit(wpoff_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("clears write protection and writes to read-only data");
