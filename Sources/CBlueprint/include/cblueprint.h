// SPDX-License-Identifier: EUPL-1.2
#pragma once
#include <stddef.h>

// The list of public services, made by tools/make_leika.py: key, tab, name, a line each.
extern const unsigned char zwilling_leika_tsv[];
extern const size_t zwilling_leika_tsv_size;

// Swift cannot refer to an array whose length a header does not tell.
static inline const unsigned char *zwilling_leika_tsv_start(void) { return zwilling_leika_tsv; }
