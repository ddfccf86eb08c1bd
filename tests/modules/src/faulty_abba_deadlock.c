// SPDX-License-Identifier: GPL-2.0
/* Two threads take two mutexes in opposite order. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include "faulty.h"

static DEFINE_MUTEX(a);
static DEFINE_MUTEX(b);

static int first_main(void *data)
{
	mutex_lock(&a);
	msleep(100);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	return 0;
}

static int second_main(void *data)
{
	mutex_lock(&b);
	msleep(100);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
	return 0;
}

static void fault(void)
{
	kthread_run(first_main, NULL, "abba-first");
	kthread_run(second_main, NULL, "abba-second");
}

FAULTY_MODULE(fault, "two threads take two mutexes in opposite order");
