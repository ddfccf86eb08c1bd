// SPDX-License-Identifier: GPL-2.0
/* Locks of PREEMPT_RT: what is allowed under which, by `mode`. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static int mode;
module_param(mode, int, 0444);

static DEFINE_SPINLOCK(lock);
static DEFINE_RAW_SPINLOCK(raw);
static DEFINE_RWLOCK(rw);
static DEFINE_MUTEX(mutex);
static DECLARE_RWSEM(sem);
static DECLARE_COMPLETION(done);
static struct timer_list timer;
static struct hrtimer hrtimer;
static int order;

static void say(const char *what)
{
	pr_info("rtlocks: %d %s: preempt %x irqs %s in_softirq %d pinned %d\n", ++order, what, preempt_count(),
		irqs_disabled() ? "off" : "on", !!in_softirq(), current->migration_disabled);
}

static int contender(void *unused)
{
	say("contender wants");
	spin_lock(&lock);
	say("contender has");
	spin_unlock(&lock);
	complete(&done);
	return 0;
}

static int writer(void *unused)
{
	write_lock(&rw);
	say("writer has");
	write_unlock(&rw);
	complete(&done);
	return 0;
}

static void on_timer(struct timer_list *unused)
{
	say("timer wants");
	spin_lock(&lock);
	say("timer has");
	spin_unlock(&lock);
	complete(&done);
}

static void sleepy_timer(struct timer_list *unused)
{
	msleep(1);
	say("timer slept");
	complete(&done);
}

static enum hrtimer_restart on_hrtimer(struct hrtimer *unused)
{
	say("hrtimer");
	complete(&done);
	return HRTIMER_NORESTART;
}

static void on_tasklet(struct tasklet_struct *unused)
{
	say("tasklet");
	complete(&done);
}
static DECLARE_TASKLET(tasklet, on_tasklet);

static int __init rtlocks_init(void)
{
	unsigned long flags;

	switch (mode) {
	case 0:
		spin_lock_irqsave(&lock, flags);
		say("under spin_lock_irqsave");
		spin_unlock_irqrestore(&lock, flags);
		read_lock(&rw);
		say("under read_lock");
		read_unlock(&rw);
		spin_lock_bh(&lock);
		say("under spin_lock_bh");
		spin_unlock_bh(&lock);
		raw_spin_lock_irqsave(&raw, flags);
		say("under raw_spin_lock_irqsave");
		raw_spin_unlock_irqrestore(&raw, flags);
		mutex_lock(&mutex);
		say(mutex_is_locked(&mutex) ? "mutex locked" : "mutex free");
		mutex_unlock(&mutex);
		down_read(&sem);
		say(rwsem_is_locked(&sem) ? "sem locked" : "sem free");
		up_read(&sem);
		down_write(&sem);
		downgrade_write(&sem);
		say(rwsem_is_locked(&sem) ? "sem locked" : "sem free");
		up_read(&sem);
		say(rwsem_is_locked(&sem) || spin_is_locked(&lock) ? "locked" : "free");
		break;
	case 1: /* a spinlock that others sleep for */
		spin_lock(&lock);
		kthread_run(contender, NULL, "contender");
		timer_setup(&timer, on_timer, 0);
		mod_timer(&timer, jiffies + 1);
		mdelay(20);
		say("owner gives back");
		spin_unlock(&lock);
		wait_for_completion(&done);
		wait_for_completion(&done);
		del_timer_sync(&timer);
		break;
	case 2: /* sleeping under a spinlock */
		spin_lock(&lock);
		msleep(1);
		say("slept");
		spin_unlock(&lock);
		break;
	case 3: /* a mutex under a spinlock */
		spin_lock(&lock);
		mutex_lock(&mutex);
		say("has both");
		mutex_unlock(&mutex);
		spin_unlock(&lock);
		break;
	case 4: /* a spinlock with preemption off */
		preempt_disable();
		spin_lock(&lock);
		say("has it");
		spin_unlock(&lock);
		preempt_enable();
		break;
	case 5: /* and one that is taken */
		raw_spin_lock(&raw);
		spin_lock(&lock);
		spin_unlock(&lock);
		raw_spin_unlock(&raw);
		say("was not taken");
		break;
	case 6: /* sleeping in a timer's function */
		timer_setup(&timer, sleepy_timer, 0);
		mod_timer(&timer, jiffies + 1);
		wait_for_completion(&done);
		del_timer_sync(&timer);
		break;
	case 7: /* softirqs turned off, and what is raised meanwhile */
		local_bh_disable();
		say("softirqs off");
		tasklet_schedule(&tasklet);
		say("scheduled");
		local_bh_enable();
		say("softirqs on");
		wait_for_completion(&done);
		tasklet_kill(&tasklet);
		break;
	case 8: /* both kinds of hrtimers */
		hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
		hrtimer.function = on_hrtimer;
		hrtimer_start(&hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL);
		wait_for_completion(&done);
		hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		hrtimer.function = on_hrtimer;
		hrtimer_start(&hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL_HARD);
		wait_for_completion(&done);
		break;
	case 9: /* the state that a task has set survives waiting for a spinlock */
		spin_lock(&lock);
		kthread_run(contender, NULL, "contender");
		msleep(5);
		spin_unlock(&lock);
		wait_for_completion(&done);
		break;
	case 10: /* readers and a writer */
		read_lock(&rw);
		kthread_run(writer, NULL, "writer");
		mdelay(20);
		say("reader gives back");
		read_unlock(&rw);
		wait_for_completion(&done);
		break;
	case 11: /* left behind */
		spin_lock(&lock);
		break;
	case 12:
		mutex_lock(&mutex);
		mutex_lock(&mutex);
		break;
	case 13: /* sleeping with softirqs off */
		local_bh_disable();
		msleep(1);
		say("slept");
		local_bh_enable();
		break;
	case 14: /* memory under a spinlock, as may sleep */
		spin_lock(&lock);
		kfree(kmalloc(64, GFP_KERNEL));
		spin_unlock(&lock);
		say("allocated");
		break;
	}
	return 0;
}

static void __exit rtlocks_exit(void)
{
	say("exit");
}

module_init(rtlocks_init);
module_exit(rtlocks_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Locks of PREEMPT_RT");
