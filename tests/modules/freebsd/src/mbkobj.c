/* SPDX-License-Identifier: Apache-2.0 */
/* kobj(9): an interface of its own (mbkobj_if.m), a class with a method, one that inherits from it, and a default. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/kobj.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/systm.h>
#include "mbkobj_if.h"

struct mbkobj_base {
	KOBJ_FIELDS;
	int number;
};

static int
mbkobj_base_name(kobj_t obj, char *buffer, size_t length)
{
	return (snprintf(buffer, length, "base %d", ((struct mbkobj_base *)obj)->number));
}

static int
mbkobj_derived_twice(kobj_t obj, int number)
{
	return (2 * number + 1);
}

static kobj_method_t mbkobj_base_methods[] = {
	KOBJMETHOD(mbkobj_name, mbkobj_base_name),
	KOBJMETHOD_END
};
static kobj_method_t mbkobj_derived_methods[] = {
	KOBJMETHOD(mbkobj_twice, mbkobj_derived_twice),
	KOBJMETHOD_END
};

DEFINE_CLASS_0(mbkobj_base, mbkobj_base_class, mbkobj_base_methods, sizeof(struct mbkobj_base));
DEFINE_CLASS_1(mbkobj_derived, mbkobj_derived_class, mbkobj_derived_methods, sizeof(struct mbkobj_base), mbkobj_base_class);

static void
mbkobj_show(kobj_class_t class)
{
	kobj_t obj = kobj_create(class, M_TEMP, M_WAITOK);
	char name[16];

	((struct mbkobj_base *)obj)->number = 7;
	MBKOBJ_NAME(obj, name, sizeof(name));
	printf("mbkobj: %s, %s, %d\n", obj->ops->cls->name, name, MBKOBJ_TWICE(obj, 21));
	kobj_delete(obj, M_TEMP);
}

static int
mbkobj_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mbkobj_show(&mbkobj_base_class);
		mbkobj_show(&mbkobj_derived_class);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t mbkobj_mod = { "mbkobj", mbkobj_event, NULL };

DECLARE_MODULE(mbkobj, mbkobj_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
