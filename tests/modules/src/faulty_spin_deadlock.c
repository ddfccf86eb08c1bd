// SPDX-License-Identifier: GPL-2.0
/* Locks a spinlock that it holds. */
#include <linux/spinlock.h>
#include "faulty.h"

static DEFINE_SPINLOCK(lock);

static void fault(void)
{
	spin_lock(&lock);
	spin_lock(&lock);
	spin_unlock(&lock);
}

FAULTY_MODULE(fault, "locks a spinlock that it holds");
