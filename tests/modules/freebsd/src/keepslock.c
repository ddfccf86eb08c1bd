/* SPDX-License-Identifier: Apache-2.0 */
/* Returns from MOD_LOAD with a mutex held. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx keepslock_lock;

static int
keepslock_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&keepslock_lock, "keepslock", NULL, MTX_DEF);
		mtx_lock(&keepslock_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&keepslock_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t keepslock_mod = { "keepslock", keepslock_event, NULL };

DECLARE_MODULE(keepslock, keepslock_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(keepslock, 1);
