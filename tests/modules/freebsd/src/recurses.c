/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a mutex again that it has and that is not initialized with MTX_RECURSE. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx recurses_lock;

static int
recurses_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&recurses_lock, "recurses", NULL, MTX_DEF);
		mtx_lock(&recurses_lock);
		mtx_lock(&recurses_lock);
		mtx_unlock(&recurses_lock);
		mtx_unlock(&recurses_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&recurses_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t recurses_mod = { "recurses", recurses_event, NULL };

DECLARE_MODULE(recurses, recurses_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(recurses, 1);
