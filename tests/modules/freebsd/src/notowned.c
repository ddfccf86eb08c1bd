/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a mutex back that it does not have. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/mutex.h>

static struct mtx notowned_lock;

static int
notowned_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&notowned_lock, "notowned", NULL, MTX_DEF);
		mtx_unlock(&notowned_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&notowned_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t notowned_mod = { "notowned", notowned_event, NULL };

DECLARE_MODULE(notowned, notowned_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(notowned, 1);
