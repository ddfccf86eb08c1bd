// SPDX-License-Identifier: GPL-2.0
/* Functions that leave preemption, interrupts or locks as they should not. */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static int in_init, in_exit;
module_param(in_init, int, 0);
module_param(in_exit, int, 0);

static DEFINE_MUTEX(lock);
static DEFINE_SPINLOCK(spin);
static DECLARE_RWSEM(sem);

static void odd_work(struct work_struct *work);
static DECLARE_WORK(work, odd_work);
static void odd_timer(struct timer_list *t);
static DEFINE_TIMER(timer, odd_timer);
static void odd_tasklet(struct tasklet_struct *t);
static DECLARE_TASKLET(tasklet, odd_tasklet);

static void odd_work(struct work_struct *w)
{
	preempt_disable();
}

static void odd_timer(struct timer_list *t)
{
	preempt_disable();
}

static void odd_tasklet(struct tasklet_struct *t)
{
	preempt_disable();
}

static void leave(int what)
{
	switch (what) {
	case 1: preempt_disable(); break;
	case 2: __preempt_count_sub(1); break;
	case 3: local_irq_disable(); break;
	case 4: local_bh_disable(); break;
	case 5: rcu_read_lock(); break;
	case 6: mutex_lock(&lock); break;
	case 7: down_write(&sem); break;
	case 8: spin_lock(&spin); break;
	case 9: preempt_disable(); local_irq_disable(); break;
	case 10: schedule_work(&work); flush_work(&work); break;
	case 11: mod_timer(&timer, jiffies + 1); msleep(50); break;
	case 12: tasklet_schedule(&tasklet); msleep(50); break;
	case 13: rcu_read_lock(); msleep(10); rcu_read_unlock(); break;
	case 14: preempt_disable(); msleep(10); preempt_enable(); break;
	case 15: preempt_disable(); preempt_disable(); break;
	}
}

static int __init leavesodd_init(void)
{
	leave(in_init);
	return 0;
}

static void __exit leavesodd_exit(void)
{
	leave(in_exit);
}

module_init(leavesodd_init);
module_exit(leavesodd_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Leaves preemption, interrupts and locks odd");
