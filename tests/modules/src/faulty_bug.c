// SPDX-License-Identifier: GPL-2.0
/* Says BUG(). */
#include "faulty.h"

static void fault(void)
{
	BUG_ON(HIDE(1));
}

FAULTY_MODULE(fault, "says BUG()");
