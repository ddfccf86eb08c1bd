// SPDX-License-Identifier: GPL-2.0
/* Calls panic(). */
#include <linux/panic.h>
#include "faulty.h"

static void fault(void)
{
	panic("faulty_panic: no way to go on");
}

FAULTY_MODULE(fault, "calls panic()");
