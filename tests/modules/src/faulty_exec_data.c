// SPDX-License-Identifier: GPL-2.0
/* Jumps into data. */
#include "faulty.h"

static u8 code[16] = { 0xb8, 0x2a, 0x00, 0x00, 0x00, 0xc3 };	/* mov $42, %eax; ret */

static void fault(void)
{
	int (*fn)(void) = HIDE((int (*)(void))code);

	pr_info("faulty_exec_data: %d\n", fn());
}

FAULTY_MODULE(fault, "jumps into data");
