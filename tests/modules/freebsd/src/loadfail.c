/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses to be loaded: MOD_LOAD fails with ENXIO. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
loadfail_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("loadfail: not today\n");
		return (ENXIO);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t loadfail_mod = { "loadfail", loadfail_event, NULL };

DECLARE_MODULE(loadfail, loadfail_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(loadfail, 1);
