// SPDX-License-Identifier: EUPL-1.2
#include "cblueprint.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

const unsigned char zwilling_leika_tsv[] = {
#embed "leika.tsv"
};
const size_t zwilling_leika_tsv_size = sizeof zwilling_leika_tsv;
