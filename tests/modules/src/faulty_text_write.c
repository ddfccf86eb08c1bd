// SPDX-License-Identifier: GPL-2.0
/* Writes over its own code. */
#include "faulty.h"

static APART int answer(void)
{
	return HIDE(42);
}

static void fault(void)
{
	u8 *p = HIDE((u8 *)answer);

	p[1] = 0x90;
	pr_info("faulty_text_write: %d\n", answer());
}

FAULTY_MODULE(fault, "writes over its own code");
