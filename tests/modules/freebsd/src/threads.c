/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel processes and threads: a process of its own with a second thread, work handed to it with wakeup(9), and an end that
 * MOD_UNLOAD waits for.
 */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/unistd.h>

static struct mtx threads_lock;
static struct proc *threads_proc;
static struct thread *threads_second;
static int threads_wanted, threads_done, threads_running, threads_stop;

static void
threads_main(void *arg)
{
	mtx_lock(&threads_lock);
	threads_running++;
	while (!threads_stop) {
		if (threads_wanted > threads_done) {
			threads_done++;
			continue;
		}
		mtx_sleep(&threads_wanted, &threads_lock, 0, "thrwait", hz);
	}
	threads_running--;
	wakeup(&threads_running);
	mtx_unlock(&threads_lock);
	if (arg != NULL)
		kthread_exit();
	kproc_exit(0);
}

static int
threads_sysctl(SYSCTL_HANDLER_ARGS)
{
	int error, value;

	mtx_lock(&threads_lock);
	value = threads_done;
	mtx_unlock(&threads_lock);
	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	mtx_lock(&threads_lock);
	threads_wanted += value;
	wakeup(&threads_wanted);
	mtx_unlock(&threads_lock);
	return (0);
}
SYSCTL_PROC(_debug, OID_AUTO, threads, CTLTYPE_INT | CTLFLAG_RW | CTLFLAG_MPSAFE, NULL, 0, threads_sysctl, "I",
    "Work done; written: work to do");

static int
threads_event(module_t mod, int what, void *arg)
{
	int error;

	switch (what) {
	case MOD_LOAD:
		mtx_init(&threads_lock, "threads", NULL, MTX_DEF);
		error = kproc_create(threads_main, NULL, &threads_proc, 0, 0, "modbox");
		if (error == 0)
			error = kthread_add(threads_main, &threads_second, threads_proc, &threads_second, 0, 0, "modbox second");
		return (error);
	case MOD_UNLOAD:
		mtx_lock(&threads_lock);
		threads_stop = 1;
		wakeup(&threads_wanted);
		while (threads_running > 0)
			mtx_sleep(&threads_running, &threads_lock, 0, "thrstop", 0);
		mtx_unlock(&threads_lock);
		pause("thrgone", hz / 10);
		mtx_destroy(&threads_lock);
		printf("threads: %d done\n", threads_done);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t threads_mod = { "threads", threads_event, NULL };

DECLARE_MODULE(threads, threads_mod, SI_SUB_KTHREAD_IDLE, SI_ORDER_ANY);
