/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeps in msleep(9) on one mutex with another one held. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx msleepheld_outer, msleepheld_inner;

static int
msleepheld_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&msleepheld_outer, "msleepheld outer", NULL, MTX_DEF);
		mtx_init(&msleepheld_inner, "msleepheld inner", NULL, MTX_DEF);
		mtx_lock(&msleepheld_outer);
		mtx_lock(&msleepheld_inner);
		msleep(&msleepheld_inner, &msleepheld_inner, 0, "msheld", hz / 10);
		mtx_unlock(&msleepheld_inner);
		mtx_unlock(&msleepheld_outer);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&msleepheld_inner);
		mtx_destroy(&msleepheld_outer);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t msleepheld_mod = { "msleepheld", msleepheld_event, NULL };

DECLARE_MODULE(msleepheld, msleepheld_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(msleepheld, 1);
