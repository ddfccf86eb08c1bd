/* SPDX-License-Identifier: Apache-2.0 */
/* Depends on a version of provider.ko that there is none of. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
badversion_event(module_t mod, int what, void *arg)
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

static moduledata_t badversion_mod = { "badversion", badversion_event, NULL };

DECLARE_MODULE(badversion, badversion_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_DEPEND(badversion, provider, 99, 99, 99);
