/* SPDX-License-Identifier: Apache-2.0 */
/* Sysctls of every kind, static and dynamic, procedures with sbuf(9), opaque structs, and tunables of every kind. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/limits.h>
#include <sys/module.h>
#include <sys/sbuf.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

static SYSCTL_NODE(_debug, OID_AUTO, modbox, CTLFLAG_RW | CTLFLAG_MPSAFE, 0, "Sysctls of every kind");

static bool a_bool = true;
SYSCTL_BOOL(_debug_modbox, OID_AUTO, a_bool, CTLFLAG_RWTUN, &a_bool, 0, "A boolean");
static int an_int = -5;
SYSCTL_INT(_debug_modbox, OID_AUTO, an_int, CTLFLAG_RWTUN, &an_int, 0, "An integer");
static u_int an_uint = UINT_MAX;
SYSCTL_UINT(_debug_modbox, OID_AUTO, an_uint, CTLFLAG_RW, &an_uint, 0, "An unsigned integer");
static long a_long = LONG_MIN;
SYSCTL_LONG(_debug_modbox, OID_AUTO, a_long, CTLFLAG_RWTUN, &a_long, 0, "A long");
static u_long an_ulong = ULONG_MAX;
SYSCTL_ULONG(_debug_modbox, OID_AUTO, an_ulong, CTLFLAG_RD, &an_ulong, 0, "An unsigned long");
static int64_t an_s64 = -1;
SYSCTL_S64(_debug_modbox, OID_AUTO, an_s64, CTLFLAG_RW, &an_s64, 0, "64 bits with a sign");
static uint8_t an_u8 = 200;
SYSCTL_U8(_debug_modbox, OID_AUTO, an_u8, CTLFLAG_RW, &an_u8, 0, "8 bits");
static uint16_t an_u16 = 60000;
SYSCTL_U16(_debug_modbox, OID_AUTO, an_u16, CTLFLAG_RW, &an_u16, 0, "16 bits");
static char a_string[16] = "text";
SYSCTL_STRING(_debug_modbox, OID_AUTO, a_string, CTLFLAG_RWTUN, a_string, sizeof(a_string), "A string");
SYSCTL_INT(_debug_modbox, OID_AUTO, constant, CTLFLAG_RD, SYSCTL_NULL_INT_PTR, 42, "A constant");
static int hidden = 1;
SYSCTL_INT(_debug_modbox, OID_AUTO, hidden, CTLFLAG_RW | CTLFLAG_SKIP, &hidden, 0, "Not listed");
static struct timeval a_time = { 1, 500000 };
SYSCTL_STRUCT(_debug_modbox, OID_AUTO, a_time, CTLFLAG_RD, &a_time, timeval, "A struct");
static SYSCTL_NODE(_debug_modbox, OID_AUTO, inner, CTLFLAG_RD | CTLFLAG_MPSAFE, 0, "A node below it");

static int kept = 10;
static int
sysctls_checked(SYSCTL_HANDLER_ARGS)
{
	int error, value = kept;

	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	if (value < 0 || value > 100)
		return (EINVAL);
	kept = value;
	return (0);
}
SYSCTL_PROC(_debug_modbox_inner, OID_AUTO, checked, CTLTYPE_INT | CTLFLAG_RW | CTLFLAG_MPSAFE, NULL, 0, sysctls_checked, "I",
    "0 to 100");

static int
sysctls_text(SYSCTL_HANDLER_ARGS)
{
	struct sbuf sb;
	int error;

	sbuf_new_for_sysctl(&sb, NULL, 64, req);
	for (int i = 0; i < 3; i++)
		sbuf_printf(&sb, "%sline %d", i == 0 ? "" : "\n", i);
	error = sbuf_finish(&sb);
	sbuf_delete(&sb);
	return (error);
}
SYSCTL_PROC(_debug_modbox_inner, OID_AUTO, text, CTLTYPE_STRING | CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, 0, sysctls_text, "A",
    "Three lines");

static int tuned_int = 1;
TUNABLE_INT("debug.modbox_tunable", &tuned_int);

static struct sysctl_ctx_list sysctls_ctx;
static int dynamic = 3;

static int
sysctls_event(module_t mod, int what, void *arg)
{
	struct sysctl_oid *node;
	quad_t quad;
	char *text;
	int number;

	switch (what) {
	case MOD_LOAD:
		sysctl_ctx_init(&sysctls_ctx);
		node = SYSCTL_ADD_NODE(&sysctls_ctx, SYSCTL_STATIC_CHILDREN(_debug_modbox), OID_AUTO, "dynamic",
		    CTLFLAG_RW | CTLFLAG_MPSAFE, NULL, "A node added at run time");
		SYSCTL_ADD_INT(&sysctls_ctx, SYSCTL_CHILDREN(node), OID_AUTO, "value", CTLFLAG_RW, &dynamic, 0, "A value in it");
		text = kern_getenv("debug.modbox_text");
		number = -1;
		TUNABLE_INT_FETCH("debug.modbox_number", &number);
		quad = -1;
		TUNABLE_QUAD_FETCH("debug.modbox_size", &quad);
		printf("sysctls: %d %d %jd %s\n", tuned_int, number, (intmax_t)quad, text == NULL ? "none" : text);
		freeenv(text);
		return (0);
	case MOD_UNLOAD:
		return (sysctl_ctx_free(&sysctls_ctx));
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t sysctls_mod = { "sysctls", sysctls_event, NULL };

DECLARE_MODULE(sysctls, sysctls_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
