/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves a UMA zone behind, and an item of another that it destroys. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <vm/uma.h>

static uma_zone_t leakzone_kept, leakzone_destroyed;
static int
leakzone_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		leakzone_kept = uma_zcreate("leakzone kept", 48, NULL, NULL, NULL, NULL, UMA_ALIGN_PTR, 0);
		leakzone_destroyed = uma_zcreate("leakzone destroyed", 80, NULL, NULL, NULL, NULL, UMA_ALIGN_PTR, 0);
		(void)uma_zalloc(leakzone_destroyed, M_WAITOK);
		return (0);
	case MOD_UNLOAD:
		uma_zdestroy(leakzone_destroyed);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakzone_mod = { "leakzone", leakzone_event, NULL };

DECLARE_MODULE(leakzone, leakzone_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakzone, 1);
