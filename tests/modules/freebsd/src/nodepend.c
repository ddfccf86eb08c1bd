/* SPDX-License-Identifier: Apache-2.0 */
/* Depends on a module that there is none of. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
nodepend_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t nodepend_mod = { "nodepend", nodepend_event, NULL };

DECLARE_MODULE(nodepend, nodepend_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_DEPEND(nodepend, modbox_is_not_there, 1, 1, 1);
