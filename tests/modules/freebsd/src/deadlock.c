/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads that each wait for the lock that the other one has: neither ever goes on. MOD_LOAD waits for both. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/module.h>
#include <sys/proc.h>
#include <sys/sx.h>
#include <sys/systm.h>

static struct sx deadlock_a, deadlock_b;
static int deadlock_done;

static void
deadlock_take(struct sx *first, struct sx *second)
{
	sx_xlock(first);
	pause("dlock", hz / 10);
	sx_xlock(second);
	sx_xunlock(second);
	sx_xunlock(first);
	deadlock_done++;
	wakeup(&deadlock_done);
	kthread_exit();
}

static void
deadlock_ab(void *arg)
{
	deadlock_take(&deadlock_a, &deadlock_b);
}

static void
deadlock_ba(void *arg)
{
	deadlock_take(&deadlock_b, &deadlock_a);
}

static int
deadlock_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		sx_init(&deadlock_a, "deadlock a");
		sx_init(&deadlock_b, "deadlock b");
		kthread_add(deadlock_ab, NULL, NULL, NULL, 0, 0, "deadlock ab");
		kthread_add(deadlock_ba, NULL, NULL, NULL, 0, 0, "deadlock ba");
		while (deadlock_done < 2)
			tsleep(&deadlock_done, 0, "dldone", 0);
		return (0);
	case MOD_UNLOAD:
		sx_destroy(&deadlock_b);
		sx_destroy(&deadlock_a);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t deadlock_mod = { "deadlock", deadlock_event, NULL };

DECLARE_MODULE(deadlock, deadlock_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
