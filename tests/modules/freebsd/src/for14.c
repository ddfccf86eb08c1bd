/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built for another FreeBSD: __FreeBSD_version 1400097, so that it fits kernels from there to the end of branch 14.
 */
#undef __FreeBSD_version
#define	__FreeBSD_version	1400097
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static int
for14_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD)
		printf("for14: loaded\n");
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t for14_mod = { "for14", for14_event, NULL };

DECLARE_MODULE(for14, for14_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
