/* SPDX-License-Identifier: Apache-2.0 */
/* A system call of its own, at the first free number: modstat(2) of sys/syscallmod tells programs which. Adds two numbers. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/sysent.h>
#include <sys/sysproto.h>
#include <sys/systm.h>

struct syscallmod_args {
	long a;
	long b;
};

static int
syscallmod_call(struct thread *td, void *args)
{
	struct syscallmod_args *uap = args;

	if (uap->a < 0 || uap->b < 0)
		return (EINVAL);
	td->td_retval[0] = uap->a + uap->b;
	return (0);
}

static struct sysent syscallmod_sysent = {
	.sy_narg = 2,
	.sy_call = (sy_call_t *)syscallmod_call,
};
static int syscallmod_number = NO_SYSCALL;
SYSCTL_INT(_debug, OID_AUTO, syscallmod, CTLFLAG_RD, &syscallmod_number, 0, "Number of the system call");

static int
syscallmod_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD || what == MOD_UNLOAD)
		printf("syscallmod: %s\n", what == MOD_LOAD ? "loaded" : "unloaded");
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

SYSCALL_MODULE(syscallmod, &syscallmod_number, &syscallmod_sysent, syscallmod_event, NULL);
