/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a spin mutex again that it has; an interrupt of its own would not come any more. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx spinagain_lock;

static int
spinagain_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&spinagain_lock, "spinagain", NULL, MTX_SPIN);
		mtx_lock_spin(&spinagain_lock);
		mtx_lock_spin(&spinagain_lock);
		mtx_unlock_spin(&spinagain_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&spinagain_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t spinagain_mod = { "spinagain", spinagain_event, NULL };

DECLARE_MODULE(spinagain, spinagain_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(spinagain, 1);
