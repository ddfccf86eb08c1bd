/* SPDX-License-Identifier: Apache-2.0 */
/* A variable of each CPU: counted on the current one, summed over all; dynamic per-CPU memory, too (uma's pcpu zones). */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/pcpu.h>
#include <sys/proc.h>
#include <sys/smp.h>
#include <sys/systm.h>
#include <vm/uma.h>

DPCPU_DEFINE_STATIC(u_int, dpcpuvar_events) = 3;

static int
dpcpuvar_event(module_t mod, int what, void *arg)
{
	u_int sum;
	int cpu, cpus;
	int *each;

	switch (what) {
	case MOD_LOAD:
		critical_enter();
		DPCPU_SET(dpcpuvar_events, DPCPU_GET(dpcpuvar_events) + 1);
		critical_exit();
		sum = cpus = 0;
		CPU_FOREACH(cpu) {
			sum += DPCPU_ID_GET(cpu, dpcpuvar_events);
			cpus++;
		}
		printf("dpcpuvar: %u more than one each\n", sum - 3 * cpus);
		each = uma_zalloc_pcpu(pcpu_zone_4, M_WAITOK | M_ZERO);
		CPU_FOREACH(cpu)
			*(int *)zpcpu_get_cpu(each, cpu) = cpu + 1;
		sum = 0;
		CPU_FOREACH(cpu)
			sum += *(int *)zpcpu_get_cpu(each, cpu);
		uma_zfree_pcpu(pcpu_zone_4, each);
		printf("dpcpuvar: %s\n", sum == cpus * (cpus + 1) / 2 ? "summed" : "wrong");
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t dpcpuvar_mod = { "dpcpuvar", dpcpuvar_event, NULL };

DECLARE_MODULE(dpcpuvar, dpcpuvar_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
