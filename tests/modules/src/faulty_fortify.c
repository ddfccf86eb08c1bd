// SPDX-License-Identifier: GPL-2.0
/* Copies more than the destination holds. */
#include <linux/string.h>
#include "faulty.h"

static struct { char name[16]; char secret[16]; } record;

static void fault(void)
{
	memcpy(record.name, "a name that does not fit", HIDE((size_t)24));
	strcpy(record.name, HIDE((char *)"a name that does not fit"));
}

FAULTY_MODULE(fault, "copies more than the destination holds");
