// SPDX-License-Identifier: GPL-2.0
/* Leaves a timer behind that goes off in unloaded code. */
#include <linux/timer.h>
#include "faulty.h"

static struct timer_list timer;

static void timer_run(struct timer_list *t)
{
	pr_info_once("faulty_timer_left: tick\n");
	mod_timer(t, jiffies + HZ / 2);
}

static void fault(void)
{
	timer_setup(&timer, timer_run, 0);
	mod_timer(&timer, jiffies + HZ / 2);
}

FAULTY_MODULE(fault, "leaves a timer behind that goes off in unloaded code");
