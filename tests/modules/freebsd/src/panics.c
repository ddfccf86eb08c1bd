/* SPDX-License-Identifier: Apache-2.0 */
/* Calls panic(9). */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
panics_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		panic("panics: %d", 42);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t panics_mod = { "panics", panics_event, NULL };

DECLARE_MODULE(panics, panics_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(panics, 1);
