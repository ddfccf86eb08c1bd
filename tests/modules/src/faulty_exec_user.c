// SPDX-License-Identifier: GPL-2.0
/* Jumps into user memory. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include "faulty.h"

static void fault(void)
{
	unsigned long addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	int (*fn)(void) = HIDE((int (*)(void))addr);

	if (put_user(0xc3, (u8 __user *)addr))
		return;
	pr_info("faulty_exec_user: %d\n", fn());
}

FAULTY_MODULE(fault, "jumps into user memory");
