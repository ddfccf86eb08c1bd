/* SPDX-License-Identifier: Apache-2.0 */
/* What sys/module.h and sys/linker_set.h lay down, as far as these modules need it. */

#define IN_SET(name) static const void *const name##_set \
	__attribute__((used, section("set_modmetadata_set"))) = &name

struct mod_depend { int minimum, preferred, maximum; };
struct mod_version { int version; };
struct mod_metadata { int version, type; const void *data; const char *cval; };
struct mod_pnp_match_info { const char *descr, *bus; const void *table; int entry_len, num_entry; };
struct moduledata { const char *name; int (*evhand)(void *, int, void *); void *priv; };

#define METADATA(name, type, data, cval) \
	static const struct mod_metadata name##_md = { 1, type, data, cval }; \
	IN_SET(name##_md)
#define DEPEND(name, on, lo, best, hi) \
	static const struct mod_depend name = { lo, best, hi }; \
	METADATA(name, 1, &name, on)
#define MODULE(id, text, handler, extra) \
	static const struct moduledata id = { text, handler, extra }; \
	METADATA(id, 2, &id, text)
#define VERSION(id, of, v) \
	static const struct mod_version id = { v }; \
	METADATA(id, 3, &id, of)
#define PNP(id, onbus, text, rows) \
	static const struct mod_pnp_match_info id = { text, onbus, rows, sizeof(rows[0]), sizeof(rows) / sizeof(rows[0]) }; \
	METADATA(id, 4, &id, onbus)
