/* SPDX-License-Identifier: Apache-2.0 */
/* Asks malloc(9) to wait with a mutex held. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/mutex.h>

static struct mtx waitokheld_lock;

static int
waitokheld_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		void *memory;

		mtx_init(&waitokheld_lock, "waitokheld", NULL, MTX_DEF);
		mtx_lock(&waitokheld_lock);
		memory = malloc(64, M_TEMP, M_WAITOK);
		mtx_unlock(&waitokheld_lock);
		free(memory, M_TEMP);
		return (0);
	}
	case MOD_UNLOAD:
		mtx_destroy(&waitokheld_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t waitokheld_mod = { "waitokheld", waitokheld_event, NULL };

DECLARE_MODULE(waitokheld, waitokheld_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(waitokheld, 1);
