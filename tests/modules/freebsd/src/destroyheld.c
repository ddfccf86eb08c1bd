/* SPDX-License-Identifier: Apache-2.0 */
/* Destroys an sx lock that another thread of it holds. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/proc.h>
#include <sys/sx.h>

static struct sx destroyheld_lock;
static int destroyheld_holds, destroyheld_stop;

static void
destroyheld_main(void *arg)
{
	sx_xlock(&destroyheld_lock);
	destroyheld_holds = 1;
	wakeup(&destroyheld_holds);
	while (!destroyheld_stop)
		tsleep(&destroyheld_stop, 0, "dhstop", hz);
	sx_xunlock(&destroyheld_lock);
	kthread_exit();
}

static int
destroyheld_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		sx_init(&destroyheld_lock, "destroyheld");
		kthread_add(destroyheld_main, NULL, NULL, NULL, 0, 0, "destroyheld");
		while (!destroyheld_holds)
			tsleep(&destroyheld_holds, 0, "dhhold", hz);
		return (0);
	case MOD_UNLOAD:
		sx_destroy(&destroyheld_lock);
		destroyheld_stop = 1;
		wakeup(&destroyheld_stop);
		pause("dhgone", hz / 10);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t destroyheld_mod = { "destroyheld", destroyheld_event, NULL };

DECLARE_MODULE(destroyheld, destroyheld_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(destroyheld, 1);
