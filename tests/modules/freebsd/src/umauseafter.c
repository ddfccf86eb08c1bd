/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to an item of a UMA zone that it has given back. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <vm/uma.h>

static uma_zone_t umauseafter_zone;

static int
umauseafter_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		volatile int *item;

		umauseafter_zone = uma_zcreate("umauseafter", 96, NULL, NULL, NULL, NULL, UMA_ALIGN_PTR, 0);
		item = uma_zalloc(umauseafter_zone, M_WAITOK | M_ZERO);
		uma_zfree(umauseafter_zone, __DEVOLATILE(void *, item));
		item[5] = 1;
		return (0);
	}
	case MOD_UNLOAD:
		uma_zdestroy(umauseafter_zone);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t umauseafter_mod = { "umauseafter", umauseafter_event, NULL };

DECLARE_MODULE(umauseafter, umauseafter_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(umauseafter, 1);
