// SPDX-License-Identifier: GPL-2.0
/* Locks and waiting of every kind, alone and between two threads; the log is the same on every run. */
#define pr_fmt(fmt) "lockuser: " fmt
#include <linux/atomic.h>
#include <linux/bit_spinlock.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu_counter.h>
#include <linux/percpu-rwsem.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/rtmutex.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/swait.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/ww_mutex.h>
#include "libuser.h"

static DEFINE_MUTEX(mutex);
static DECLARE_RWSEM(rwsem);
static DEFINE_SEMAPHORE(sem);
static DEFINE_SPINLOCK(spin);
static DEFINE_RAW_SPINLOCK(raw_spin);
static DEFINE_RWLOCK(rwlock);
static DEFINE_SEQLOCK(seq);
static DEFINE_RT_MUTEX(rtmutex);
DEFINE_STATIC_SRCU(srcu);
DEFINE_STATIC_PERCPU_RWSEM(percpu_rwsem);
static DEFINE_WW_CLASS(ww_class);

static void test_alone(void)
{
	struct semaphore counted;
	struct ww_acquire_ctx ctx;
	struct ww_mutex ww;
	unsigned long flags, word = 0;
	unsigned int start;
	int ret, idx;

	mutex_lock(&mutex);
	pr_info("mutex locked %d trylock %d\n", mutex_is_locked(&mutex), mutex_trylock(&mutex));
	mutex_unlock(&mutex);
	ret = mutex_lock_interruptible(&mutex);
	mutex_unlock(&mutex);
	pr_info("mutex interruptible %d, locked after %d\n", ret, mutex_is_locked(&mutex));
	ret = mutex_lock_killable(&mutex);
	mutex_unlock(&mutex);
	pr_info("mutex killable %d\n", ret);

	down_read(&rwsem);
	ret = down_read_trylock(&rwsem);
	pr_info("rwsem second reader %d, writer %d, locked %d\n", ret, down_write_trylock(&rwsem), rwsem_is_locked(&rwsem));
	up_read(&rwsem);
	up_read(&rwsem);
	down_write(&rwsem);
	pr_info("rwsem reader beside a writer %d\n", down_read_trylock(&rwsem));
	downgrade_write(&rwsem);
	ret = down_read_trylock(&rwsem);
	pr_info("rwsem reader after downgrade %d\n", ret);
	up_read(&rwsem);
	up_read(&rwsem);

	down(&sem);
	pr_info("semaphore trylock %d timeout %d\n", down_trylock(&sem), down_timeout(&sem, HZ / 20));
	up(&sem);
	sema_init(&counted, 2);
	ret = down_interruptible(&counted);
	pr_info("semaphore of two %d %d", ret, down_killable(&counted));
	pr_cont(" third %d\n", down_trylock(&counted));

	spin_lock(&spin);
	pr_info("spin locked %d trylock %d atomic %d\n", spin_is_locked(&spin), spin_trylock(&spin), in_atomic());
	spin_unlock(&spin);
	spin_lock_irqsave(&spin, flags);
	pr_info("irqs disabled %d\n", irqs_disabled());
	spin_unlock_irqrestore(&spin, flags);
	pr_info("irqs disabled %d\n", irqs_disabled());
	spin_lock_bh(&spin);
	pr_info("in_softirq %d\n", !!in_softirq());
	spin_unlock_bh(&spin);
	spin_lock_irq(&spin);
	spin_unlock_irq(&spin);
	raw_spin_lock(&raw_spin);
	raw_spin_unlock(&raw_spin);
	ret = spin_trylock(&spin);
	spin_unlock(&spin);
	pr_info("spin trylock of a free one %d\n", ret);
	read_lock(&rwlock);
	read_lock(&rwlock);
	pr_info("rwlock writer beside readers %d\n", write_trylock(&rwlock));
	read_unlock(&rwlock);
	read_unlock(&rwlock);
	write_lock_irqsave(&rwlock, flags);
	write_unlock_irqrestore(&rwlock, flags);
	write_lock_bh(&rwlock);
	write_unlock_bh(&rwlock);
	start = read_seqbegin(&seq);
	write_seqlock(&seq);
	write_sequnlock(&seq);
	pr_info("seqlock retry %d, then %d\n", read_seqretry(&seq, start), read_seqretry(&seq, read_seqbegin(&seq)));
	bit_spin_lock(3, &word);
	pr_info("bit lock %#lx trylock %d\n", word, bit_spin_trylock(3, &word));
	bit_spin_unlock(3, &word);
	rt_mutex_lock(&rtmutex);
	pr_info("rt_mutex locked %d\n", rt_mutex_trylock(&rtmutex) == 0);
	rt_mutex_unlock(&rtmutex);
	percpu_down_read(&percpu_rwsem);
	percpu_up_read(&percpu_rwsem);
	percpu_down_write(&percpu_rwsem);
	pr_info("percpu_rwsem reader beside a writer %d\n", percpu_down_read_trylock(&percpu_rwsem));
	percpu_up_write(&percpu_rwsem);
	idx = srcu_read_lock(&srcu);
	srcu_read_unlock(&srcu, idx);
	synchronize_srcu(&srcu);
	ww_mutex_init(&ww, &ww_class);
	ww_acquire_init(&ctx, &ww_class);
	ret = ww_mutex_lock(&ww, &ctx);
	pr_info("ww_mutex %d again %d\n", ret, ww_mutex_lock(&ww, &ctx));
	ww_mutex_unlock(&ww);
	ww_acquire_fini(&ctx);
	pr_info("preempt count back %d\n", preempt_count() == 0);
}

static void test_atomics(void)
{
	atomic_t a = ATOMIC_INIT(5);
	atomic64_t b = ATOMIC64_INIT(1LL << 40);
	unsigned long bits = 0x10;
	struct percpu_counter counter;
	int n = HIDE(3), v[8];

	v[0] = atomic_add_return(n, &a);
	v[1] = atomic_fetch_sub(2, &a);
	v[2] = atomic_inc_return(&a);
	v[3] = atomic_dec_and_test(&a);
	v[4] = atomic_cmpxchg(&a, 6, 100);
	v[5] = atomic_xchg(&a, 7);
	v[6] = atomic_add_unless(&a, 1, 7);
	v[7] = atomic_dec_if_positive(&a);
	pr_info("atomic %d %d %d %d %d %d %d %d, now %d\n", v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], atomic_read(&a));
	v[0] = atomic_fetch_or(0x30, &a);
	v[1] = atomic_fetch_and(0xf, &a);
	v[2] = atomic_fetch_xor(0xff, &a);
	v[3] = atomic_sub_and_test(0xf9, &a);
	v[4] = atomic_add_negative(-5, &a);
	v[5] = atomic_inc_not_zero(&a);
	pr_info("atomic bits %d %d %d %d %d %d, now %d\n", v[0], v[1], v[2], v[3], v[4], v[5], atomic_read(&a));
	atomic64_add(1LL << 41, &b);
	pr_info("atomic64 %lld", (s64)atomic64_fetch_inc(&b));
	pr_cont(" %lld", (s64)atomic64_cmpxchg(&b, 1, 2));
	pr_cont(" %lld\n", (s64)atomic64_read(&b));
	v[0] = test_and_set_bit(0, &bits);
	v[1] = test_and_clear_bit(4, &bits);
	set_bit(9, &bits);
	change_bit(0, &bits);
	pr_info("bits %d %d %#lx\n", v[0], v[1], bits);
	v[0] = xchg(&bits, 77UL);
	v[1] = cmpxchg(&bits, 77UL, 78UL);
	pr_info("xchg %d cmpxchg %d now %lu\n", v[0], v[1], bits);
	if (percpu_counter_init(&counter, 10, GFP_KERNEL))
		return;
	percpu_counter_add(&counter, 1000);
	percpu_counter_dec(&counter);
	pr_info("percpu_counter %lld %lld\n", percpu_counter_sum(&counter), percpu_counter_read_positive(&counter) > 0 ? 1LL : 0LL);
	percpu_counter_destroy(&counter);
}

struct shared {
	struct rcu_head rcu;
	int value;
};

static struct shared __rcu *shared;
static atomic_t freed = ATOMIC_INIT(0);

static void shared_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct shared, rcu));
	atomic_inc(&freed);
}

static void test_rcu(void)
{
	struct shared *old, *new = kmalloc(sizeof(*new), GFP_KERNEL);

	new->value = 1;
	rcu_assign_pointer(shared, new);
	rcu_read_lock();
	pr_info("rcu value %d\n", rcu_dereference(shared)->value);
	rcu_read_unlock();
	new = kmalloc(sizeof(*new), GFP_KERNEL);
	new->value = 2;
	old = rcu_replace_pointer(shared, new, true);
	call_rcu(&old->rcu, shared_free);
	rcu_barrier();
	pr_info("rcu freed %d\n", atomic_read(&freed));
	old = rcu_replace_pointer(shared, NULL, true);
	synchronize_rcu();
	kfree(old);
	new = kmalloc(sizeof(*new), GFP_KERNEL);
	kfree_rcu(new, rcu);
	synchronize_rcu_expedited();
	pr_info("rcu done\n");
}

static DECLARE_COMPLETION(go);
static DECLARE_COMPLETION(finished);
static DECLARE_WAIT_QUEUE_HEAD(queue);
static DECLARE_SWAIT_QUEUE_HEAD(simple_queue);
static long counter, protected_by_spin;
static int stage, flag_var;
static unsigned long word;

static int count_main(void *data)
{
	int i;

	wait_for_completion(&go);
	for (i = 0; i < 1000; i++) {
		mutex_lock(&mutex);
		counter++;
		if (i % 100 == 0)
			cond_resched();
		mutex_unlock(&mutex);
		spin_lock(&spin);
		protected_by_spin++;
		spin_unlock(&spin);
		if (i % 250 == 0)
			yield();
	}
	complete(&finished);
	return 0;
}

static int holder_main(void *data)
{
	mutex_lock(&mutex);
	WRITE_ONCE(stage, 1);
	wake_up_all(&queue);
	msleep(50);
	WRITE_ONCE(stage, 2);
	mutex_unlock(&mutex);
	down_write(&rwsem);
	WRITE_ONCE(stage, 3);
	wake_up(&queue);
	msleep(20);
	up_write(&rwsem);
	msleep(20);
	WRITE_ONCE(flag_var, 1);
	wake_up_var(&flag_var);
	msleep(20);
	clear_and_wake_up_bit(2, &word);
	msleep(20);
	WRITE_ONCE(stage, 4);
	swake_up_all(&simple_queue);
	up(&sem);
	complete_all(&finished);
	return 0;
}

static void test_threads(void)
{
	struct task_struct *task;
	DEFINE_WAIT(wait);
	long left;
	int i, ret;

	for (i = 0; i < 3; i++) {
		task = kthread_run(count_main, NULL, "lockuser/%d", i);
		if (IS_ERR(task))
			return;
	}
	complete_all(&go);
	for (i = 0; i < 3; i++)
		wait_for_completion(&finished);
	pr_info("three threads counted %ld %ld\n", counter, protected_by_spin);

	pr_info("completion done %d try_wait %d\n", completion_done(&finished), try_wait_for_completion(&finished));
	pr_info("completion timeout %lu\n", wait_for_completion_timeout(&finished, HZ / 20));
	pr_info("completion interruptible timeout %ld\n", wait_for_completion_interruptible_timeout(&finished, HZ / 20));
	pr_info("wait_event_timeout %ld\n", (long)wait_event_timeout(queue, stage == 1, HZ / 20));
	left = wait_event_interruptible_timeout(queue, stage == 0, HZ);
	pr_info("wait_event of what is so already: left %d\n", left == HZ);

	down(&sem);
	set_bit(2, &word);
	task = kthread_run(holder_main, NULL, "lockuser/holder");
	if (IS_ERR(task))
		return;
	wait_event(queue, READ_ONCE(stage) >= 1);
	pr_info("holder has the mutex, trylock %d\n", mutex_trylock(&mutex));
	mutex_lock(&mutex);
	pr_info("mutex came at stage %d or later: %d\n", 2, stage >= 2);
	mutex_unlock(&mutex);
	for (;;) {
		prepare_to_wait(&queue, &wait, TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(stage) >= 3)
			break;
		schedule();
	}
	finish_wait(&queue, &wait);
	down_read(&rwsem);
	pr_info("rwsem came\n");
	up_read(&rwsem);
	wait_var_event(&flag_var, READ_ONCE(flag_var));
	pr_info("var came %d\n", flag_var);
	ret = wait_on_bit(&word, 2, TASK_UNINTERRUPTIBLE);
	pr_info("bit came %d %#lx\n", ret, word);
	swait_event_exclusive(simple_queue, READ_ONCE(stage) == 4);
	pr_info("swait came\n");
	ret = down_timeout(&sem, 5 * HZ);
	up(&sem);
	pr_info("semaphore came %d\n", ret);
	wait_for_completion(&finished);
	wait_for_completion(&finished);
	pr_info("complete_all lets everyone through, done %d\n", completion_done(&finished));
	reinit_completion(&finished);
	pr_info("reinit done %d waitqueue active %d\n", completion_done(&finished), waitqueue_active(&queue));
}

static int __init lockuser_init(void)
{
	test_alone();
	test_atomics();
	test_rcu();
	test_threads();
	return 0;
}

static void __exit lockuser_exit(void)
{
	rcu_barrier();
}

module_init(lockuser_init);
module_exit(lockuser_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Logs the results of locks and waits");
