/* SPDX-License-Identifier: Apache-2.0 */
/* Destroys a mutex that another thread of it holds. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/mutex.h>
#include <sys/proc.h>

static struct mtx destroyheld_lock;
static int destroyheld_stop;

static void
destroyheld_main(void *arg)
{
	mtx_lock(&destroyheld_lock);
	while (!destroyheld_stop)
		DELAY(1000);
	mtx_unlock(&destroyheld_lock);
	kthread_exit();
}

static int
destroyheld_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&destroyheld_lock, "destroyheld", NULL, MTX_DEF);
		return (kthread_add(destroyheld_main, NULL, NULL, NULL, 0, 0, "destroyheld"));
	case MOD_UNLOAD:
		mtx_destroy(&destroyheld_lock);
		destroyheld_stop = 1;
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t destroyheld_mod = { "destroyheld", destroyheld_event, NULL };

DECLARE_MODULE(destroyheld, destroyheld_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(destroyheld, 1);
