// SPDX-License-Identifier: GPL-2.0
/* Waits for itself, or goes while it sleeps (mode=N). */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static int mode;
module_param(mode, int, 0444);

static struct workqueue_struct *queue;
static struct timer_list timer;
static struct hrtimer hrtimer;
static int rounds;

static void expired(struct timer_list *t) { del_timer_sync(t); }
static enum hrtimer_restart hr_expired(struct hrtimer *t) { hrtimer_cancel(t); return HRTIMER_NORESTART; }

static void work_fn(struct work_struct *work);
static DECLARE_WORK(work, work_fn);
static void work_fn(struct work_struct *w)
{
	rounds++;
	switch (mode) {
	case 2: flush_workqueue(queue); break;
	case 3: cancel_work_sync(w); break;
	case 4: flush_work(w); break;
	case 8: queue_work(queue, w); usleep_range(1000, 2000); break;
	case 9: if (rounds < 50) queue_work(queue, w); msleep(10); break;
	case 10: msleep(2000); rounds++; break;
	}
}

static int __init selfwaits_init(void)
{
	queue = alloc_workqueue("selfwaits", 0, 0);
	if (!queue)
		return -ENOMEM;
	switch (mode) {
	case 1: timer_setup(&timer, expired, 0); mod_timer(&timer, jiffies + 1); break;
	case 2: case 3: case 4: queue_work(queue, &work); break;
	case 5: rcu_read_lock(); break;
	case 6: rcu_read_lock(); synchronize_rcu(); rcu_read_unlock(); break;
	case 7: hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL); hrtimer.function = hr_expired;
		hrtimer_start(&hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL); break;
	case 8: queue_work(queue, &work); break;
	case 9: queue_work(queue, &work); msleep(35); flush_workqueue(queue); pr_info("selfwaits: flushed after %d rounds\n", rounds);
		drain_workqueue(queue); pr_info("selfwaits: drained after %d rounds\n", rounds); break;
	case 10: schedule_work(&work); break;
	}
	msleep(20);
	return 0;
}

static void __exit selfwaits_exit(void)
{
	destroy_workqueue(queue);
}
module_init(selfwaits_init);
module_exit(selfwaits_exit);
MODULE_LICENSE("GPL");
