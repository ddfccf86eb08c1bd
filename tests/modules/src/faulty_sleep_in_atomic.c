// SPDX-License-Identifier: GPL-2.0
/* Sleeps while it holds a spinlock. */
#include <linux/delay.h>
#include <linux/spinlock.h>
#include "faulty.h"

static DEFINE_SPINLOCK(lock);

static void fault(void)
{
	spin_lock(&lock);
	msleep(10);
	spin_unlock(&lock);
}

FAULTY_MODULE(fault, "sleeps while it holds a spinlock");
