/* SPDX-License-Identifier: Apache-2.0 */
/* A file without a module: SYSINITs, a sysctl and a tunable only. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

static int nomodule_value = 1;
SYSCTL_INT(_debug, OID_AUTO, nomodule, CTLFLAG_RWTUN, &nomodule_value, 0, "Of a file without a module");

static void
nomodule_init(void *arg)
{
	printf("nomodule: %d\n", nomodule_value);
}
SYSINIT(nomodule, SI_SUB_DRIVERS, SI_ORDER_ANY, nomodule_init, NULL);
