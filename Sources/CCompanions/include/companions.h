// SPDX-License-Identifier: EUPL-1.2
#pragma once
#include <stddef.h>

// The files that every vault carries beside the program, built into it so that one binary is all
// there is to install.
extern const unsigned char zwilling_rescue_py[];
extern const size_t zwilling_rescue_py_size;
extern const unsigned char zwilling_format_md[];
extern const size_t zwilling_format_md_size;

// Swift cannot refer to an array whose length a header does not tell.
static inline const unsigned char *zwilling_rescue_py_start(void) { return zwilling_rescue_py; }
static inline const unsigned char *zwilling_format_md_start(void) { return zwilling_format_md; }
