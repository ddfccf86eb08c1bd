/* SPDX-License-Identifier: Apache-2.0 */
/* Task queues: the system's, one with its own thread and priorities, one that is late (timeout_task), drain and cancel. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/priority.h>
#include <sys/systm.h>
#include <sys/taskqueue.h>

static struct taskqueue *taskqueues_own;
static struct task taskqueues_low, taskqueues_high, taskqueues_common, taskqueues_canceled;
static struct timeout_task taskqueues_late;

static void
taskqueues_run(void *arg, int pending)
{
	printf("taskqueues: %s, %d\n", (const char *)arg, pending);
}

static int
taskqueues_event(module_t mod, int what, void *arg)
{
	u_int pending;

	switch (what) {
	case MOD_LOAD:
		taskqueues_own = taskqueue_create("modbox taskq", M_WAITOK, taskqueue_thread_enqueue, &taskqueues_own);
		TASK_INIT(&taskqueues_low, 0, taskqueues_run, "low");
		TASK_INIT(&taskqueues_high, 10, taskqueues_run, "high");
		TASK_INIT(&taskqueues_common, 0, taskqueues_run, "common");
		TASK_INIT(&taskqueues_canceled, 0, taskqueues_run, "canceled");
		TIMEOUT_TASK_INIT(taskqueues_own, &taskqueues_late, 0, taskqueues_run, "late");
		taskqueue_enqueue(taskqueues_own, &taskqueues_low);
		taskqueue_enqueue(taskqueues_own, &taskqueues_low);
		taskqueue_enqueue(taskqueues_own, &taskqueues_high);
		taskqueue_enqueue(taskqueues_own, &taskqueues_canceled);
		taskqueue_cancel(taskqueues_own, &taskqueues_canceled, &pending);
		printf("taskqueues: canceled %u\n", pending);
		taskqueue_start_threads(&taskqueues_own, 1, PWAIT, "modbox taskq");
		taskqueue_enqueue(taskqueue_thread, &taskqueues_common);
		taskqueue_enqueue_timeout(taskqueues_own, &taskqueues_late, hz / 10);
		taskqueue_drain(taskqueues_own, &taskqueues_low);
		taskqueue_drain(taskqueue_thread, &taskqueues_common);
		printf("taskqueues: drained\n");
		return (0);
	case MOD_UNLOAD:
		taskqueue_drain_timeout(taskqueues_own, &taskqueues_late);
		taskqueue_free(taskqueues_own);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t taskqueues_mod = { "taskqueues", taskqueues_event, NULL };

DECLARE_MODULE(taskqueues, taskqueues_mod, SI_SUB_DRIVERS, SI_ORDER_ANY);
