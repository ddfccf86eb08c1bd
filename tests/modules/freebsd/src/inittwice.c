/* SPDX-License-Identifier: Apache-2.0 */
/* Initializes a mutex that is in use, and uses one that is not initialized. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx inittwice_lock, inittwice_never;

static int
inittwice_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&inittwice_lock, "inittwice", NULL, MTX_DEF);
		mtx_init(&inittwice_lock, "inittwice again", NULL, MTX_DEF);
		mtx_lock(&inittwice_never);
		mtx_unlock(&inittwice_never);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&inittwice_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t inittwice_mod = { "inittwice", inittwice_event, NULL };

DECLARE_MODULE(inittwice, inittwice_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(inittwice, 1);
