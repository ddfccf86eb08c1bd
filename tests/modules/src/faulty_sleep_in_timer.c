// SPDX-License-Identifier: GPL-2.0
/* Sleeps in a timer function. */
#include <linux/delay.h>
#include <linux/timer.h>
#include "faulty.h"

static struct timer_list timer;

static void timer_run(struct timer_list *t)
{
	msleep(10);
}

static void fault(void)
{
	timer_setup(&timer, timer_run, 0);
	mod_timer(&timer, jiffies + 1);
	msleep(100);
}

FAULTY_MODULE(fault, "sleeps in a timer function");
