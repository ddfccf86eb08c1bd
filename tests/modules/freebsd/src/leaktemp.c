/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves memory of M_TEMP, a type of the kernel's, behind. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static int
leaktemp_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		(void)malloc(100, M_TEMP, M_WAITOK);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leaktemp_mod = { "leaktemp", leaktemp_event, NULL };

DECLARE_MODULE(leaktemp, leaktemp_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leaktemp, 1);
