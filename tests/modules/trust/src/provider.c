// SPDX-License-Identifier: GPL-2.0
/* Exports to everybody, to GPL-compatible modules, and in a namespace. */
#include <linux/module.h>

int trust_plain(void);
int trust_gpl(void);
int trust_spaced(void);

int trust_plain(void)
{
	return 1;
}
EXPORT_SYMBOL(trust_plain);

int trust_gpl(void)
{
	return 2;
}
EXPORT_SYMBOL_GPL(trust_gpl);

int trust_spaced(void)
{
	return 3;
}
EXPORT_SYMBOL_NS(trust_spaced, TRUST);

MODULE_DESCRIPTION("Exports functions");
MODULE_LICENSE("GPL");
