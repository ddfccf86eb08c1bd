// SPDX-License-Identifier: GPL-2.0
/* A kernel thread fed through a wait queue, answering through a completion, stopped on exit. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/wait.h>

static int rounds = 3;
module_param(rounds, int, 0444);
MODULE_PARM_DESC(rounds, "pieces of work handed to the thread by init");

static struct task_struct *worker;
static DECLARE_WAIT_QUEUE_HEAD(work_wait);
static DECLARE_COMPLETION(work_done);
static int request, answer;

static int worker_main(void *data)
{
	int served = 0;

	pr_info("kthread_wait: %s runs, data %s\n", current->comm, (char *)data);
	for (;;) {
		wait_event_interruptible(work_wait, READ_ONCE(request) || kthread_should_stop());
		if (kthread_should_stop())
			break;
		answer = request * request;
		request = 0;
		served++;
		complete(&work_done);
	}
	pr_info("kthread_wait: %s stops after %d rounds\n", current->comm, served);
	return served;
}

static int __init kthread_wait_init(void)
{
	int i;

	worker = kthread_run(worker_main, "of its own", "modbox/%d", 0);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	for (i = 1; i <= rounds; i++) {
		reinit_completion(&work_done);
		WRITE_ONCE(request, i + 10);
		wake_up_interruptible(&work_wait);
		if (!wait_for_completion_timeout(&work_done, 5 * HZ)) {
			pr_err("kthread_wait: no answer\n");
			kthread_stop(worker);
			return -ETIMEDOUT;
		}
		pr_info("kthread_wait: %d squared is %d\n", i + 10, answer);
	}
	return 0;
}

static void __exit kthread_wait_exit(void)
{
	int served = kthread_stop(worker);

	pr_info("kthread_wait: the thread returned %d\n", served);
}

module_init(kthread_wait_init);
module_exit(kthread_wait_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A kernel thread with a wait queue and a completion");
