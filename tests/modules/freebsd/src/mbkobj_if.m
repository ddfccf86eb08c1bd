# SPDX-License-Identifier: Apache-2.0
# The interface of mbkobj.c.

INTERFACE mbkobj;

CODE {
	static int
	mbkobj_default_twice(kobj_t obj, int number)
	{
		return (2 * number);
	}
};

METHOD int twice {
	kobj_t obj;
	int number;
} DEFAULT mbkobj_default_twice;

METHOD int name {
	kobj_t obj;
	char *buffer;
	size_t length;
};
