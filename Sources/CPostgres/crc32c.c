// SPDX-License-Identifier: EUPL-1.2

#include "cpostgres.h"

#include <pthread.h>
#include <string.h>

// Eight bytes a step with eight tables (Kounavis and Berry, "A Systematic Approach to Building
// High Performance Software-Based CRC Generators", 2005).
static uint32_t tables[8][256];
static int has_instruction;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        tables[0][byte] = crc;
    }
    for (int byte = 0; byte < 256; byte++)
        for (int n = 1; n < 8; n++)
            tables[n][byte] = tables[n - 1][byte] >> 8 ^ tables[0][tables[n - 1][byte] & 0xff];
#ifdef __x86_64__
    has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

static uint32_t in_tables(uint32_t crc, const uint8_t *at, size_t count) {
    for (; count >= 8; at += 8, count -= 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; count > 0; at++, count--) crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t count) {
    uint64_t wide = crc;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; count > 0; at++, count--) crc = __builtin_ia32_crc32qi(crc, *at);
    return crc;
}
#endif

uint32_t cpostgres_crc32c(uint32_t crc, const void *bytes, size_t count, int plain) {
    pthread_once(&once, prepare);
#ifdef __x86_64__
    if (has_instruction && !plain) return by_instruction(crc, bytes, count);
#endif
    (void)plain;
    return in_tables(crc, bytes, count);
}
