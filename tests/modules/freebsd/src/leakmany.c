/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves an event handler registered, a task queue, a sysctl and a mutex behind. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/eventhandler.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/sysctl.h>
#include <sys/taskqueue.h>

static struct mtx leakmany_lock;

static void
leakmany_shutdown(void *arg, int howto)
{
	printf("leakmany: shutdown\n");
}
static int
leakmany_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&leakmany_lock, "leakmany", NULL, MTX_DEF);
		EVENTHANDLER_REGISTER(shutdown_pre_sync, leakmany_shutdown, NULL, EVENTHANDLER_PRI_ANY);
		(void)taskqueue_create("leakmany", M_WAITOK, taskqueue_thread_enqueue, NULL);
		SYSCTL_ADD_STRING(NULL, SYSCTL_STATIC_CHILDREN(_debug), OID_AUTO, "leakmany", CTLFLAG_RD, "left", 0, "Left behind");
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakmany_mod = { "leakmany", leakmany_event, NULL };

DECLARE_MODULE(leakmany, leakmany_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakmany, 1);
