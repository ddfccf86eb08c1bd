// SPDX-License-Identifier: GPL-2.0
/* Returns with a spinlock held. */
#include <linux/spinlock.h>
#include "faulty.h"

static DEFINE_SPINLOCK(lock);

static void fault(void)
{
	spin_lock(&lock);
}

FAULTY_MODULE(fault, "returns with a spinlock held");
