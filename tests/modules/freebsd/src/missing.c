/* SPDX-License-Identifier: Apache-2.0 */
/* Uses a function that no kernel and no module has. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


void modbox_missing_function(void);
static int
missing_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		modbox_missing_function();
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t missing_mod = { "missing", missing_event, NULL };

DECLARE_MODULE(missing, missing_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(missing, 1);
