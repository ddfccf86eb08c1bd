/* SPDX-License-Identifier: Apache-2.0 */
/* A module whose function hidden_answer is static, as objcopy(1) makes nearly all symbols of FreeBSD's own modules. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static __used __noinline int
hidden_answer(int n)
{
	return (n + 40);
}

static moduledata_t hidden_mod = { "hidden", NULL, NULL };
DECLARE_MODULE(hidden, hidden_mod, SI_SUB_DRIVERS, SI_ORDER_ANY);
MODULE_VERSION(hidden, 1);
