/* SPDX-License-Identifier: GPL-2.0 */
/* What the libuser_* modules share: values that the compiler cannot see through, so that the kernel's functions are called. */
#ifndef LIBUSER_H
#define LIBUSER_H
#include <linux/compiler.h>

#define HIDE(x) ({ typeof(+(x)) hidden_ = (x); OPTIMIZER_HIDE_VAR(hidden_); hidden_; })
#define STR(s) ({ const char *hidden_ = (s); OPTIMIZER_HIDE_VAR(hidden_); hidden_; })
#endif
