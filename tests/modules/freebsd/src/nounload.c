/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses to be unloaded: MOD_UNLOAD fails with EBUSY, which kldunload -f does not override. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
nounload_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		return (0);
	case MOD_UNLOAD:
		return (EBUSY);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t nounload_mod = { "nounload", nounload_event, NULL };

DECLARE_MODULE(nounload, nounload_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(nounload, 1);
