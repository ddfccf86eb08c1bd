/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built for another FreeBSD: __FreeBSD_version 1500023, so that it fits kernels from there to the end of branch 15.
 */
#undef __FreeBSD_version
#define	__FreeBSD_version	1500023
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static int
for15_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD)
		printf("for15: loaded\n");
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t for15_mod = { "for15", for15_event, NULL };

DECLARE_MODULE(for15, for15_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
