/* SPDX-License-Identifier: Apache-2.0 */
/* Calls hidden_answer, which is a local symbol of hidden.ko. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

int hidden_answer(int);

static int
usehidden_modevent(module_t mod, int type, void *arg)
{
	if (type == MOD_LOAD)
		printf("usehidden: %d\n", hidden_answer(2));
	return (type == MOD_LOAD || type == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t usehidden_mod = { "usehidden", usehidden_modevent, NULL };
DECLARE_MODULE(usehidden, usehidden_mod, SI_SUB_DRIVERS, SI_ORDER_ANY);
MODULE_VERSION(usehidden, 1);
MODULE_DEPEND(usehidden, hidden, 1, 1, 1);
