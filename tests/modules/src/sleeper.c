// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel threads that sleep for a long time. Where time is virtual they are done at once.
 * By default each round lasts an hour; the recording of the real kernel uses a short one.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>

static unsigned int seconds = 3600;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long a round lasts");
static int rounds = 3;
module_param(rounds, int, 0444);
static int done;
module_param(done, int, 0444);
MODULE_PARM_DESC(done, "rounds finished, of both threads");

static struct task_struct *by_schedule, *by_msleep;

static int schedule_main(void *data)
{
	int i;

	for (i = 1; i <= rounds && !kthread_should_stop(); i++) {
		unsigned long start = jiffies;
		long left = schedule_timeout_interruptible((unsigned long)seconds * HZ);

		if (left) {
			pr_info("sleeper: woken early in round %d\n", i);
			break;
		}
		pr_info("sleeper: round %d of schedule_timeout lasted %lu s\n", i, (jiffies - start) / HZ);
		done++;
	}
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/* msleep cannot be woken: it takes the time a second at a time, and half a second more. */
static int msleep_main(void *data)
{
	unsigned int slept;
	int i;

	for (i = 1; i <= rounds; i++) {
		ktime_t start = ktime_get();

		for (slept = 0; slept < seconds && !kthread_should_stop(); slept++)
			msleep(1000);
		msleep(500);
		if (slept < seconds) {
			pr_info("sleeper: msleep told to stop in round %d\n", i);
			break;
		}
		pr_info("sleeper: round %d of msleep lasted %s\n", i, ktime_to_ms(ktime_sub(ktime_get(), start)) > seconds * 1000LL ? "long enough" : "too short");
		done++;
	}
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ);
	return 0;
}

static int __init sleeper_init(void)
{
	by_schedule = kthread_run(schedule_main, NULL, "sleeper-sched");
	if (IS_ERR(by_schedule))
		return PTR_ERR(by_schedule);
	by_msleep = kthread_create(msleep_main, NULL, "sleeper-msleep");
	if (IS_ERR(by_msleep)) {
		kthread_stop(by_schedule);
		return PTR_ERR(by_msleep);
	}
	wake_up_process(by_msleep);
	return 0;
}

static void __exit sleeper_exit(void)
{
	kthread_stop(by_schedule);
	kthread_stop(by_msleep);
	pr_info("sleeper: %d rounds in all\n", done);
}

module_init(sleeper_init);
module_exit(sleeper_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Threads that sleep an hour a round");
