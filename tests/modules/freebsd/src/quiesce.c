/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses to be unloaded: MOD_QUIESCE fails with EBUSY, which kldunload -f overrides. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
quiesce_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		return (0);
	case MOD_UNLOAD:
		printf("quiesce: unloaded\n");
		return (0);
	case MOD_QUIESCE:
		printf("quiesce: busy\n");
		return (EBUSY);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t quiesce_mod = { "quiesce", quiesce_event, NULL };

DECLARE_MODULE(quiesce, quiesce_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(quiesce, 1);
