/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeps in tsleep(9) with a mutex held. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx sleepheld_lock;

static int
sleepheld_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&sleepheld_lock, "sleepheld", NULL, MTX_DEF);
		mtx_lock(&sleepheld_lock);
		tsleep(&sleepheld_lock, 0, "sleepheld", hz / 10);
		mtx_unlock(&sleepheld_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&sleepheld_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t sleepheld_mod = { "sleepheld", sleepheld_event, NULL };

DECLARE_MODULE(sleepheld, sleepheld_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(sleepheld, 1);
