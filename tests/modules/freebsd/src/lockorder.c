/* SPDX-License-Identifier: Apache-2.0 */
/* Takes two mutexes in one order, and then in the other: a lock order reversal. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx lockorder_a, lockorder_b;

static int
lockorder_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&lockorder_a, "lockorder a", NULL, MTX_DEF);
		mtx_init(&lockorder_b, "lockorder b", NULL, MTX_DEF);
		mtx_lock(&lockorder_a);
		mtx_lock(&lockorder_b);
		mtx_unlock(&lockorder_b);
		mtx_unlock(&lockorder_a);
		mtx_lock(&lockorder_b);
		mtx_lock(&lockorder_a);
		mtx_unlock(&lockorder_a);
		mtx_unlock(&lockorder_b);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&lockorder_b);
		mtx_destroy(&lockorder_a);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t lockorder_mod = { "lockorder", lockorder_event, NULL };

DECLARE_MODULE(lockorder, lockorder_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(lockorder, 1);
