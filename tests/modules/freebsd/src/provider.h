/* SPDX-License-Identifier: Apache-2.0 */
/* What provider.ko exports. */
int provider_add(int a, int b);
