// SPDX-License-Identifier: EUPL-1.2
#include "companions.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

const unsigned char zwilling_rescue_py[] = {
#embed "../../tools/rescue.py"
};
const size_t zwilling_rescue_py_size = sizeof zwilling_rescue_py;

const unsigned char zwilling_format_md[] = {
#embed "../../docs/format.md"
};
const size_t zwilling_format_md_size = sizeof zwilling_format_md;
