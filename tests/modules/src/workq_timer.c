// SPDX-License-Identifier: GPL-2.0
/* Deferred work of every kind: an own workqueue, the system's, delayed work, timer_list, hrtimer, tasklet. */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static unsigned int period = 100;
module_param(period, uint, 0444);
MODULE_PARM_DESC(period, "milliseconds between ticks of the timer");
static int ticks = 3;
module_param(ticks, int, 0444);

struct job {
	struct work_struct work;
	int number;
};

static struct workqueue_struct *queue;
static struct job jobs[3];
static struct delayed_work later;
static struct work_struct from_tasklet;
static struct timer_list timer;
static struct hrtimer precise;
static int timer_ticks, precise_ticks;
static unsigned long timer_start;

static const char *context(void)
{
	return in_hardirq() ? "hardirq" : in_serving_softirq() ? "softirq" : in_task() ? "task" : "other";
}

static void job_run(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	pr_info("workq_timer: job %d in %s context\n", job->number, context());
}

static void later_run(struct work_struct *work)
{
	pr_info("workq_timer: delayed work in %s context, pending %d\n", context(), delayed_work_pending(to_delayed_work(work)));
}

static void from_tasklet_run(struct work_struct *work)
{
	pr_info("workq_timer: work from the tasklet in %s context\n", context());
}

static void tasklet_run(struct tasklet_struct *t)
{
	pr_info("workq_timer: tasklet in %s context\n", context());
	schedule_work(&from_tasklet);
}
static DECLARE_TASKLET(soft, tasklet_run);

static void timer_run(struct timer_list *t)
{
	timer_ticks++;
	pr_info("workq_timer: timer tick %d in %s context, %s\n", timer_ticks, context(),
		jiffies - timer_start >= timer_ticks * msecs_to_jiffies(period) ? "not early" : "early");
	if (timer_ticks < ticks)
		mod_timer(t, timer_start + (timer_ticks + 1) * msecs_to_jiffies(period));
}

static enum hrtimer_restart precise_run(struct hrtimer *t)
{
	precise_ticks++;
	hrtimer_forward(t, hrtimer_cb_get_time(t), ms_to_ktime(30));
	return precise_ticks < 4 ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static int __init workq_timer_init(void)
{
	int i;

	queue = alloc_ordered_workqueue("modboxwq", 0);
	if (!queue)
		return -ENOMEM;
	INIT_DELAYED_WORK(&later, later_run);
	INIT_WORK(&from_tasklet, from_tasklet_run);
	for (i = 0; i < 3; i++) {
		jobs[i].number = i + 1;
		INIT_WORK(&jobs[i].work, job_run);
		queue_work(queue, &jobs[i].work);
	}
	pr_info("workq_timer: queueing a pending job again gives %d\n", queue_work(queue, &jobs[2].work));
	flush_workqueue(queue);
	pr_info("workq_timer: flushed\n");
	queue_delayed_work(queue, &later, msecs_to_jiffies(50));
	timer_setup(&timer, timer_run, 0);
	timer_start = jiffies;
	mod_timer(&timer, timer_start + msecs_to_jiffies(period));
	hrtimer_init(&precise, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	precise.function = precise_run;
	hrtimer_start(&precise, ms_to_ktime(30), HRTIMER_MODE_REL);
	tasklet_schedule(&soft);
	tasklet_kill(&soft);
	flush_work(&from_tasklet);
	return 0;
}

static void __exit workq_timer_exit(void)
{
	int was;

	was = del_timer_sync(&timer);
	pr_info("workq_timer: timer had %d ticks, pending %d\n", timer_ticks, was);
	was = hrtimer_cancel(&precise);
	pr_info("workq_timer: hrtimer had %d ticks, active %d\n", precise_ticks, was);
	queue_delayed_work(queue, &later, 10 * HZ);
	was = cancel_delayed_work_sync(&later);
	pr_info("workq_timer: cancelled delayed work %d\n", was);
	queue_work(queue, &jobs[0].work);
	destroy_workqueue(queue);
	pr_info("workq_timer: queue drained and destroyed\n");
}

module_init(workq_timer_init);
module_exit(workq_timer_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Workqueues, timers and tasklets");
