// SPDX-License-Identifier: GPL-2.0
/* Reads user memory directly, without copy_from_user. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include "faulty.h"

static void fault(void)
{
	unsigned long addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	int *p = HIDE((int *)addr);

	if (put_user(7, (int __user *)addr))
		return;
	pr_info("faulty_user_read: %d\n", READ_ONCE(*p));
}

FAULTY_MODULE(fault, "reads user memory directly, without copy_from_user");
