/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built for another FreeBSD: __FreeBSD_version 1302001, so that it fits kernels from there to the end of branch 13.
 */
#undef __FreeBSD_version
#define	__FreeBSD_version	1302001
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static int
for13_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD)
		printf("for13: loaded\n");
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t for13_mod = { "for13", for13_event, NULL };

DECLARE_MODULE(for13, for13_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
