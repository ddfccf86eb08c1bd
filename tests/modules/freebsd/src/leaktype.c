/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves memory of its own malloc type behind. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static MALLOC_DEFINE(M_LEAKTYPE, "leaktype", "Memory that is left behind");
static int
leaktype_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		(void)malloc(100, M_LEAKTYPE, M_WAITOK);
		(void)malloc(3000, M_LEAKTYPE, M_WAITOK | M_ZERO);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leaktype_mod = { "leaktype", leaktype_event, NULL };

DECLARE_MODULE(leaktype, leaktype_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leaktype, 1);
